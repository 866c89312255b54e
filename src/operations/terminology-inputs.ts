// The inputs that the operations of terminology have in common: https://hl7.org/fhir/R4/terminology-service.html

import type { CodeableConcept, CodeSystem, Coding, ValueSet } from '@medplum/fhirtypes';
import { rowRule } from '../access/row-rule.ts';
import { parseDate } from '../fhir/dates.ts';
import { parseJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import { readText } from '../repository/built-in.ts';
import type { Session } from '../repository/session.ts';
import { missing, notFoundValueSet } from '../terminology/compose.ts';
import { findSystem, findSystemOfResource } from '../terminology/find-system.ts';
import { findValueSet, findValueSetOfResource } from '../terminology/find-value-set.ts';
import { splitCanonical } from '../terminology/implicit-value-sets.ts';
import type { StoredSystem } from '../terminology/stored-concept.ts';
import type { CodeCheck } from '../terminology/validate-code.ts';
import type { OperationCall, OperationParameter } from './operation.ts';
import { valueSetInContext } from './terminology-context.ts';

export function inputOf<T>({ inputs }: OperationCall, name: string): T | undefined {
  return inputs.get(name)?.[0]?.value as T | undefined;
}

export function inputsOf<T>({ inputs }: OperationCall, name: string): T[] {
  return (inputs.get(name) ?? []).map(({ value }) => value as T);
}

/** One optional input. */
export function input(name: string, type: string, documentation: string, max: 1 | '*' = 1): OperationParameter {
  return { name, use: 'in', min: 0, max, type, documentation };
}

export function output(
  name: string,
  type: string,
  documentation: string,
  [min, max]: readonly [number, 1 | '*'] = [0, 1],
): OperationParameter {
  return { name, use: 'out', min, max, type, documentation };
}

/** Throws 400 where what is needed at the level of the type is missing, or given at that of an instance. */
export function requireOneOf(call: OperationCall, names: readonly string[]): void {
  const given = names.filter((name) => call.inputs.has(name));
  if (call.id !== '' && given.length > 0) {
    throw fhirError('invalid', `Leave out "${given[0]}": the URL names the resource.`, { expression });
  }
  if (call.id === '' && given.length !== 1) {
    throw fhirError('required', `Say with one of ${listed(names)} what is asked for.`, { status: 400, expression });
  }
}

const expression = 'Parameters.parameter';

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

/** Throws 403 where the caller may read some of the type only: the tables of terminology do not tell which these are. */
export function requireEveryOne({ caller }: Session, type: 'CodeSystem' | 'ConceptMap' | 'ValueSet'): void {
  if (rowRule(caller, 'r', type) === 'all') return;
  const diagnostics = `The access token allows some of ${type} only; operations of terminology are answered from all of them.`;
  throw fhirError('forbidden', diagnostics);
}

const dayMs = 86_400_000;

/**
 * "The server should use the definitions as they were on the given date, or return an error if this is not possible": how they
 * were is not kept. Where it is today depends on where one is.
 */
export function requireToday({ at }: Session, call: OperationCall): void {
  const given = inputOf<string>(call, 'date');
  const span = given === undefined ? undefined : parseDate(given, 'dateTime');
  if (given === undefined || (span && span.low - dayMs <= at.getTime() && at.getTime() <= span.high + dayMs)) return;
  const remedy = 'leave out "date", or name the version of the code system or value set';
  throw fhirError('not-supported', `Definitions are known here as they are today: ${remedy}.`, {
    status: 400,
    expression,
  });
}

/** The code system a call is about: that of the URL, or the one the url is given of. */
export async function systemOf(
  session: Session,
  { id }: OperationCall,
  url: string | undefined,
  version: string | undefined,
): Promise<StoredSystem> {
  if (id === '') {
    const found = await findSystem(session.trx, url ?? '', version);
    if (found) return found;
    throw missing(url ?? '', version);
  }
  const found = await findSystemOfResource(session.trx, id);
  if (found) return found;
  const { url: own = '' } = parseJson(await readText(session, 'CodeSystem', id)).value as CodeSystem;
  const isBuiltIn = session.repository.builtIns?.find('CodeSystem', id) !== undefined;
  const shared = isBuiltIn ? await findSystem(session.trx, own) : undefined;
  if (shared) return shared;
  throw fhirError('not-supported', `This CodeSystem does not hold the concepts of ${own}.`, { status: 400 });
}

/** The value set a call is about: that of the URL, the one that is given, or the one its canonical or an element's is given of. */
export async function valueSetOf(session: Session, call: OperationCall): Promise<ValueSet> {
  requireOneOf(call, ['url', 'valueSet', 'context']);
  const given = inputOf<ValueSet>(call, 'valueSet');
  if (given) return given;
  if (call.id === '') {
    const context = inputOf<string>(call, 'context');
    const canonical = context === undefined ? inputOf<string>(call, 'url') : await valueSetInContext(session, context);
    const [url, version] = splitCanonical(canonical ?? '');
    const found = await findValueSet(session.trx, url, inputOf<string>(call, 'valueSetVersion') ?? version);
    if (found) return found;
    throw notFoundValueSet();
  }
  const found = await findValueSetOfResource(session.trx, call.id);
  if (found) return found;
  return parseJson(await readText(session, 'ValueSet', call.id)).value as ValueSet;
}

/** The codes to check, by code, Coding or CodeableConcept: one of the three. `versionName`: how a code's version is called. */
export function checksOf(call: OperationCall, systemName: string, versionName: string): CodeCheck[] {
  const forms = ['code', 'coding', 'codeableConcept'].filter((name) => call.inputs.has(name));
  if (forms.length !== 1) {
    throw fhirError('required', 'Give one of "code", "coding", "codeableConcept".', { status: 400, expression });
  }
  const code = inputOf<string>(call, 'code');
  const coding = inputOf<Coding>(call, 'coding');
  const codings = codingsOf(inputOf<CodeableConcept>(call, 'codeableConcept')) ?? (coding ? [coding] : []);
  const common = {
    abstract: inputOf<boolean>(call, 'abstract'),
    displayLanguage: inputOf<string>(call, 'displayLanguage'),
  };
  if (code === undefined) return codings.flatMap((one) => checkOf(one, common));
  return [
    {
      ...{ code, system: inputOf<string>(call, systemName), version: inputOf<string>(call, versionName) },
      ...{ display: inputOf<string>(call, 'display'), ...common },
    },
  ];
}

/** Each of which is asked of the database. */
const codingsMax = 100;

export function codingsOf(concept: CodeableConcept | undefined): readonly Coding[] | undefined {
  const codings = concept?.coding ?? [];
  if (codings.length <= codingsMax) return concept && codings;
  throw fhirError('too-costly', `A concept may have at most ${codingsMax} codings here.`, { expression });
}

function checkOf({ system, version, code, display }: Coding, common: Partial<CodeCheck>): CodeCheck[] {
  return code === undefined ? [] : [{ system, version, code, display, ...common }];
}
