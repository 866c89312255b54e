// What `$find` is asked for, by POST or by GET, within its bounds (contract.md 18).

import type { CodeableConcept, Reference } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { OperationCall } from '../../operations/operation.ts';
import type { Interval } from './interval.ts';

export interface FindInputs {
  readonly span: Interval;
  /** Undefined = any. */
  readonly practitionerIds: readonly string[] | undefined;
  readonly scheduleIds: readonly string[] | undefined;
  readonly locationIds: readonly string[] | undefined;
  readonly services: readonly string[];
  /** `Patient/id`, to take part in what is proposed. */
  readonly patient: string | undefined;
}

export const daysMax = 62;
export const referencesMax = 50;
const dayMs = 86_400_000;

export function findInputs(call: OperationCall, at: Date): FindInputs {
  const given = call.inputs.has(queryInput) ? ofQuery(call) : ofParameters(call);
  const span = { low: momentOf(given, 'start'), high: momentOf(given, 'end') };
  if (span.high <= span.low) throw refusal('invalid', '"end" must come after "start".');
  if (span.high - span.low > daysMax * dayMs) {
    throw refusal('too-costly', `$find looks at ${daysMax} days at most; ask for a shorter time.`);
  }
  if (span.high <= at.getTime()) {
    throw fhirError('business-rule', 'The time asked for is over; ask for one to come.', { expression });
  }
  return {
    span,
    practitionerIds: idsOf(given, 'practitioner', 'Practitioner', call.baseUrl),
    scheduleIds: idsOf(given, 'schedule', 'Schedule', call.baseUrl),
    locationIds: idsOf(given, 'location-reference', 'Location', call.baseUrl),
    services: (given.get('visit-type') ?? []).flatMap((value) =>
      ((value as CodeableConcept).coding ?? []).map(({ system = '', code = '' }) => `${system}|${code}`),
    ),
    patient: idsOf(given, 'patient-reference', 'Patient', call.baseUrl)?.map((id) => `Patient/${id}`)[0],
  };
}

/** The whole query of a GET: references are no primitive type, yet `practitioner=Practitioner/1` is how they are written. */
export const queryInput = 'query';
const primitives = ['start', 'end'];
const references = ['practitioner', 'schedule', 'location-reference', 'patient-reference'];

type Given = ReadonlyMap<string, readonly unknown[]>;

function ofParameters({ inputs }: OperationCall): Given {
  return new Map([...inputs].map(([name, values]) => [name, values.map(({ value }) => value)]));
}

function ofQuery({ inputs }: OperationCall): Given {
  const given = new Map<string, unknown[]>();
  for (const [name, text] of new URLSearchParams(inputs.get(queryInput)?.[0]?.value as string)) {
    if (name.startsWith('_')) continue;
    const isPrimitive = primitives.includes(name);
    if (!isPrimitive && !references.includes(name)) {
      throw refusal('invalid', `By GET $find takes ${[...primitives, ...references].join(', ')}.`);
    }
    given.set(name, [...(given.get(name) ?? []), isPrimitive ? text : { reference: text }]);
  }
  return given;
}

function momentOf(given: Given, name: string): number {
  const [text, ...more] = given.get(name) ?? [];
  if (text === undefined) throw refusal('required', `$find needs the parameter "${name}".`);
  const time =
    typeof text === 'string' && text.length > 10 && more.length === 0 ? parseDate(text, 'dateTime') : undefined;
  if (time) return time.low;
  throw refusal('value', `"${name}" must be one date and time with its offset, such as 2026-11-23T09:00:00Z.`);
}

function idsOf(given: Given, name: string, type: string, baseUrl: string): string[] | undefined {
  const asked = given.get(name);
  if (asked === undefined) return undefined;
  if (asked.length > referencesMax) throw refusal('too-costly', `"${name}" may be given ${referencesMax} times.`);
  return asked.map((value) => {
    const target = parseReference((value as Reference).reference ?? '', baseUrl);
    if (target.kind === 'resource' && target.type === type) return target.id;
    throw refusal('value', `"${name}" must be a reference such as ${type}/1.`);
  });
}

const expression = 'Parameters.parameter';

function refusal(code: 'invalid' | 'required' | 'value' | 'too-costly', diagnostics: string): Error {
  return fhirError(code, diagnostics, { status: 400, expression });
}
