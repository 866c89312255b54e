// Whether a resource has any value of a parameter, as a token of what is not usual: https://hl7.org/fhir/R4/search.html#missing

import type { Definitions } from '../fhir/definitions.ts';
import { hasOrder } from './ordered-values.ts';
import type { IndexedParameter } from './search-parameters.ts';
import type { TokenKey } from './token-text.ts';

/** How search knows that a parameter has a value. */
export type KnownBy =
  /** A token of those that have none, as dates have one anyway. */
  | 'noSpan'
  /** Rows of range_value, also of those that have none. */
  | 'order'
  /** A token of those that have none where most have one, of those that have one otherwise: see `isUsual`. */
  | 'token'
  /** The resource itself. */
  | 'reading';

/** Every value of these is stored as a span, so that none of them says that there is no value. */
const spans: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant', 'Period']);
const unknown: ReadonlySet<string> = new Set(['id', 'lastUpdated', 'text', 'content', 'composite']);

export function knownBy(parameter: IndexedParameter): KnownBy {
  const { kind, elements, key, storedIn } = parameter;
  // AuditEvents outnumber everything, and are made by this server.
  if (unknown.has(kind) || storedIn || key.startsWith('AuditEvent.')) return 'reading';
  if (hasOrder(parameter)) return 'order';
  return kind === 'date' && elements?.every(({ type }) => spans.has(type)) ? 'noSpan' : 'token';
}

const byToken = new WeakMap<ReadonlyMap<string, IndexedParameter>, readonly IndexedParameter[]>();

/** Of all parameters of a type. */
export function knownByToken(parameters: ReadonlyMap<string, IndexedParameter>): readonly IndexedParameter[] {
  const known = byToken.get(parameters) ?? [...parameters.values()].filter((one) => knownBy(one) === 'token');
  byToken.set(parameters, known);
  return known;
}

export function presenceText(key: TokenKey, isMissing: boolean): string {
  return `${key}:missing|${isMissing}`;
}

/** What clinics fill in nearly always, though R4 does not ask for it; a token for each would be a tenth of a Patient's. */
const filledIn: ReadonlySet<string> = new Set(
  [
    'Patient.active Patient.address Patient.address-city Patient.address-country Patient.address-postalcode',
    'Patient.address-state Patient.birthdate Patient.deceased Patient.family Patient.gender Patient.given',
    'Patient.identifier Patient.name Patient.phone Patient.telecom',
    'Observation.category Observation.combo-code Observation.date Observation.patient Observation.subject',
    'Appointment.actor Appointment.part-status Appointment.patient Appointment.practitioner',
    'Encounter.patient Encounter.subject Encounter.type',
    'Condition.code Condition.patient Condition.subject Invoice.patient Invoice.subject',
  ].flatMap((keys) => keys.split(' ')),
);

/** True where a resource is expected to have a value: by the table above, or because R4 requires the element. */
export function isUsual(definitions: Definitions, type: string, code: string, expression: string): boolean {
  if (filledIn.has(`${type}.${code}`)) return true;
  return expression.split('|').some((branch) => {
    const [of, name = '', ...deeper] = branch.trim().split('.');
    return of === type && deeper.length === 0 && definitions.properties(type).get(name)?.element.isRequired === true;
  });
}
