// The search parameters this server answers, compiled once per resource type: https://hl7.org/fhir/R4/searchparameter-registry.html

import { createHash } from 'node:crypto';
import type { SearchParameter } from '../fhir/definitions/snapshot.ts';
import type { Definitions, OwnDefinitions } from '../fhir/definitions.ts';
import { type CompiledPath, compilePath } from '../fhir/fhirpath/compile.ts';
import type { ReachedElement } from '../fhir/fhirpath/elements.ts';
import { type Composite, withParts } from './composite.ts';
import { isUsual } from './presence.ts';
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
  /** `Type.code`, for a tenant's own with its meaning: tokens of one parameter never meet those of another. */
  readonly key: TokenKey;
  readonly read: CompiledPath['read'];
  /** Resource types a reference may point to; absent = any. */
  readonly targets?: readonly string[];
  /** What the expression reaches; absent when the definitions do not tell. */
  readonly elements?: readonly ReachedElement[];
  readonly tokenShape: TokenShape;
  /** A resource is expected to have a value: see presence.ts. */
  readonly isUsual?: boolean;
  /** For strings, tokens and references, and for what is searched by words. */
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

/** AuditEvents outnumber everything: what R4 has for all types is not indexed (domain.md, S4-K3d). */
const auditParameters: ReadonlySet<string> = new Set(
  [
    '_id _lastUpdated date agent agent-name agent-role altid address entity entity-name entity-role entity-type',
    'patient action type subtype outcome policy purpose site source',
  ].flatMap((codes) => codes.split(' ')),
);

/**
 * What of an AuditEvent is searched by where that is not all that R4's expression reaches. The id of the request is another
 * one in every event, and this server's address the same in all. What an entity is also tells the type of its resource:
 * auditors ask for `entity-type=Patient` (domain.md S5-F4.7).
 */
const auditExpressions: Readonly<Record<string, string>> = {
  address: "AuditEvent.agent.network.where(type = '2').address",
  entity: 'AuditEvent.entity.what.where(reference.exists() or identifier.system.exists())',
  'entity-type': 'AuditEvent.entity.where(role.exists()).type | AuditEvent.entity.where(role.exists()).what.type',
};

/** Needs a phonetic algorithm. */
const unsupportedCodes: ReadonlySet<string> = new Set(['phonetic']);

const compiled = new WeakMap<Definitions, Map<string, ReadonlyMap<string, IndexedParameter>>>();

/** By code, for a resource type the definitions know. */
export function indexedParameters(definitions: Definitions, type: string): ReadonlyMap<string, IndexedParameter> {
  const byType = compiled.get(definitions) ?? new Map<string, ReadonlyMap<string, IndexedParameter>>();
  compiled.set(definitions, byType);
  const parameters =
    byType.get(type) ?? (definitions.own ? withOwn(definitions.own, type) : compileParameters(definitions, type));
  byType.set(type, parameters);
  return parameters;
}

/** What R4's parameters store does not depend on a tenant's own, so that these can come and go. */
function withOwn({ base, ofType }: OwnDefinitions, type: string): ReadonlyMap<string, IndexedParameter> {
  const known = indexedParameters(base, type);
  const own = ofType(type).flatMap((definition) => compileOwn(base, type, definition) ?? []);
  return own.length === 0 ? known : new Map([...known, ...own.map((one) => [one.code, one] as const)]);
}

const compiledOwn = new WeakMap<SearchParameter, Map<string, IndexedParameter>>();

/** Undefined for what is not answered. Throws what the parser throws for an expression that is none. */
export function compileOwn(base: Definitions, type: string, definition: SearchParameter): IndexedParameter | undefined {
  const byType = compiledOwn.get(definition) ?? new Map<string, IndexedParameter>();
  compiledOwn.set(definition, byType);
  const known = byType.get(type);
  if (known) return known;
  const kind = kindOf(type, definition);
  if (!kind) return undefined;
  const key = `${type}.${definition.code}~${meaningOf(definition)}`;
  const parameter = { ...compileParameter(base, type, definition, kind), key };
  const parameterOf = (code: string) => indexedParameters(base, type).get(code);
  // Its components name R4's parameters for how values are compared, though they may read them elsewhere, as in extensions.
  const readsSame = ({ expression = '' }: SearchParameter, part: string) =>
    expression.split(' | ').includes(`${definition.expression}.${part}`);
  const whole = withParts(parameter, { definitions: base, type, definition, parameterOf, readsSame });
  if (!whole) return undefined;
  const read = readsNothingOnError(whole.read);
  const compiled = { ...whole, read, shared: { narrower: [], root: key, isDerived: false } };
  byType.set(type, compiled);
  return compiled;
}

/** A tenant's expression must not keep a resource from being written. */
function readsNothingOnError(read: IndexedParameter['read']): IndexedParameter['read'] {
  return (resource) => {
    try {
      return read(resource);
    } catch {
      return [];
    }
  };
}

/** Other for a definition that reads or stores something else. */
function meaningOf({ type, expression, targets, components }: SearchParameter): string {
  const meaning = JSON.stringify([type, expression, targets, components]);
  return createHash('sha256').update(meaning).digest('hex').slice(0, 12);
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
  const asked = (type === 'AuditEvent' && auditExpressions[code]) || expression;
  const { read, elements } = wordReader(kind, definitions) ?? compilePath(asked, type, definitions);
  return {
    code,
    kind,
    key: `${type}.${code}`,
    read,
    ...(targets && { targets }),
    ...(elements && { elements }),
    tokenShape: tokenShapeOf(elements, definitions),
    isUsual: isUsual(definitions, type, code, expression),
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
