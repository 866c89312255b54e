// The search parameters this server answers, compiled once per resource type: https://hl7.org/fhir/R4/searchparameter-registry.html

import type { SearchParameter } from '../fhir/definitions/snapshot.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { type CompiledPath, compilePath } from '../fhir/fhirpath/compile.ts';
import type { ReachedElement } from '../fhir/fhirpath/elements.ts';
import { type Composite, withParts } from './composite.ts';
import { type SharedKeys, shareKeys } from './shared-keys.ts';
import { type TokenShape, tokenShapeOf } from './token-shape.ts';
import type { TokenKey } from './token-text.ts';
import { wordReader } from './words.ts';

/** How a parameter is stored and asked; `id` and `lastUpdated` are columns. */
export type SearchKind =
  | ('id' | 'lastUpdated' | 'token' | 'string' | 'uri' | 'reference' | 'date' | 'identifyingDate')
  /** The words of the narrative (`_text`), and those of the whole resource (`_content`). */
  | ('text' | 'content')
  | ('number' | 'quantity' | 'composite' | 'near');

export interface IndexedParameter {
  readonly code: string;
  readonly kind: SearchKind;
  /** `Type.code`: tokens of one parameter never meet those of another. */
  readonly key: TokenKey;
  readonly read: CompiledPath['read'];
  /** Resource types a reference may point to; absent = any. */
  readonly targets?: readonly string[];
  /** What the expression reaches; absent when the definitions do not tell. */
  readonly elements?: readonly ReachedElement[];
  readonly tokenShape: TokenShape;
  /** For strings and tokens, and for what is searched by words. */
  readonly shared?: SharedKeys;
  readonly composite?: Composite;
  /** The parameters that store the values of this one, each a part. */
  readonly storedIn?: () => readonly IndexedParameter[];
}

/**
 * Dates that identify a person are stored as keyed day, month and year tokens only: a readable column of birth dates would
 * name patients to whoever reads a dump. Each is a single element, see compile/identifying-date.ts.
 */
export const identifyingDates: ReadonlySet<string> = new Set([
  // HIPAA 45 CFR 164.514(b)(2)(i)(C): dates directly related to an individual, birth and death first.
  'Patient.birthdate',
  'Patient.death-date',
  'Person.birthdate',
  'RelatedPerson.birthdate',
]);

/** AuditEvents outnumber everything: only what auditors ask by is indexed (domain.md, S4-K3d). */
const auditParameters: ReadonlySet<string> = new Set(
  '_id _lastUpdated date agent entity patient action type subtype outcome'.split(' '),
);

/** Needs a phonetic algorithm. */
const unsupportedCodes: ReadonlySet<string> = new Set(['phonetic']);

const compiled = new WeakMap<Definitions, Map<string, ReadonlyMap<string, IndexedParameter>>>();

/** By code, for a resource type the definitions know. */
export function indexedParameters(definitions: Definitions, type: string): ReadonlyMap<string, IndexedParameter> {
  const byType = compiled.get(definitions) ?? new Map<string, ReadonlyMap<string, IndexedParameter>>();
  compiled.set(definitions, byType);
  const parameters = byType.get(type) ?? compileParameters(definitions, type);
  byType.set(type, parameters);
  return parameters;
}

function compileParameters(definitions: Definitions, type: string): ReadonlyMap<string, IndexedParameter> {
  const parameters = new Map<string, IndexedParameter>();
  for (const definition of definitions.searchParameters(type).values()) {
    const kind = kindOf(type, definition);
    if (!kind) continue;
    const parameter = compileParameter(definitions, type, definition, kind);
    const whole = withParts(parameter, { definitions, type, definition, parameterOf: (code) => shared.get(code) });
    if (whole) parameters.set(definition.code, whole);
  }
  const shared = shareKeys(parameters, type, (code) => definitions.searchParameters(type).get(code)?.expression);
  return shared;
}

function compileParameter(
  definitions: Definitions,
  type: string,
  { code, expression = '', targets }: SearchParameter,
  kind: SearchKind,
): IndexedParameter {
  const { read, elements } = wordReader(kind, definitions) ?? compilePath(expression, type, definitions);
  return {
    code,
    kind,
    key: `${type}.${code}`,
    read,
    ...(targets && { targets }),
    ...(elements && { elements }),
    tokenShape: tokenShapeOf(elements, definitions),
  };
}

/** Undefined for what is not answered. */
function kindOf(type: string, { code, type: parameterType, expression }: SearchParameter): SearchKind | undefined {
  if (type === 'AuditEvent' && !auditParameters.has(code)) return undefined;
  if (code === '_text') return 'text';
  // A Binary has no text that its definition knows.
  if (code === '_content') return type === 'Binary' ? undefined : 'content';
  if (!expression || unsupportedCodes.has(code)) return undefined;
  if (code === '_id') return 'id';
  // An AuditEvent is never changed, and this server makes them all: `recorded` is when it was stored.
  if (code === '_lastUpdated' || (type === 'AuditEvent' && code === 'date')) return 'lastUpdated';
  if (parameterType === 'date') return identifyingDates.has(`${type}.${code}`) ? 'identifyingDate' : 'date';
  if (type === 'Location' && code === 'near') return 'near';
  return answered.has(parameterType) ? (parameterType as SearchKind) : undefined;
}

const answered: ReadonlySet<string> = new Set('token string uri reference number quantity composite'.split(' '));
