// What patients' consents keep from the session's caller, as criteria that no row it sees may meet: https://hl7.org/fhir/R4/consent.html

import { type Caller, callerAtRest, type Permission } from '../../access/caller.ts';
import { withWider } from '../../access/purpose-codes.ts';
import { breakGlass } from '../../access/purpose-of-use.ts';
import type { Definitions } from '../../fhir/definitions.ts';
import { patientParameters } from '../../search/patients-named.ts';
import { indexedParameters } from '../../search/search-parameters.ts';
import type { Criterion } from '../../search/search-query.ts';
import type { Session } from '../session.ts';
import type { Denials } from './denials.ts';
import type { Provision } from './provision.ts';

/** In force for everybody but the server itself, the patient, and whoever breaks the glass. */
export function deniedCriteria(session: Session, permission: Permission, type: string): readonly Criterion[] {
  const { denials, caller, definitions } = session;
  // What is new is not seen; and a Consent must stay in sight for those who are to change it.
  if (!denials || permission === 'c' || type === 'Consent') return none;
  if (!patientParameters(definitions, type)) return none;
  if (caller.kind === 'server') return none;
  // An emergency opens what is read, and nothing that is written.
  if (caller.purposeOfUse === breakGlass && (permission === 'r' || permission === 's')) return none;
  return knownCriteria(session, denials, type);
}

/** Care is what a clinic's records are for. */
const byDefault = 'TREAT';

const none: readonly Criterion[] = [];

/** Periods begin and end to the second. */
const ageMaxMs = 1_000;

interface Known {
  readonly atMs: number;
  readonly definitions: Definitions;
  readonly criteria: readonly Criterion[];
}

const known = new WeakMap<Denials, WeakMap<Caller, Map<string, Known>>>();

function knownCriteria({ caller, definitions, at }: Session, denials: Denials, type: string): readonly Criterion[] {
  const byCaller = known.get(denials) ?? new WeakMap<Caller, Map<string, Known>>();
  known.set(denials, byCaller);
  const holder = callerAtRest(caller);
  const byType = byCaller.get(holder) ?? new Map<string, Known>();
  byCaller.set(holder, byType);
  const found = byType.get(type);
  const nowMs = at.getTime();
  if (found?.definitions === definitions && Math.abs(nowMs - found.atMs) < ageMaxMs) return found.criteria;
  const criteria = criteriaOf(denials, { caller, definitions, nowMs, type });
  byType.set(type, { atMs: nowMs, definitions, criteria });
  return criteria;
}

interface Asked {
  readonly caller: Caller;
  readonly definitions: Definitions;
  readonly nowMs: number;
  readonly type: string;
}

function criteriaOf({ consents }: Denials, asked: Asked): readonly Criterion[] {
  const whole: string[] = [];
  const criteria: Criterion[] = [];
  for (const { patient, provision } of consents) {
    if (asked.caller.fhirUser === `Patient/${patient}`) continue;
    const denied = deniedBy(provision, asked);
    if (denied === true) whole.push(patient);
    else if (denied !== false) criteria.push(allOf([recordsOf([patient], asked), denied]));
  }
  return whole.length === 0 ? criteria : [recordsOf(whole, asked), ...criteria];
}

/** What names one of these patients, whoever else it names. */
function recordsOf(patients: readonly string[], { definitions, type }: Asked): Criterion {
  if (type === 'Patient') return { kind: 'id', ids: patients };
  const codes = patientParameters(definitions, type) ?? [];
  const texts = patients.map((id) => `Patient/${id}`);
  return anyOf(codes.map((code) => ({ kind: 'value', key: `${type}.${code}`, texts })));
}

/** Of rows of the type: none, all, or those that meet the criterion. */
type Share = boolean | Criterion;

function deniedBy(provision: Provision, asked: Asked): Share {
  if (provision.isDenial) return shareOf(provision, asked);
  const denials = provision.exceptions.filter(({ isDenial }) => isDenial);
  return both(matched(provision, asked), either(denials.map((one) => shareOf(one, asked))));
}

/** What a provision is about without its exceptions, which are of the other kind. */
function shareOf(provision: Provision, asked: Asked): Share {
  const exceptions = provision.exceptions.filter(({ isDenial }) => isDenial !== provision.isDenial);
  return both(matched(provision, asked), opposite(either(exceptions.map((one) => shareOf(one, asked)))));
}

function matched({ period, actors, purposes, types, labels }: Provision, asked: Asked): Share {
  const { caller, nowMs, type } = asked;
  if (period && (nowMs < period.low || nowMs > period.high)) return false;
  if (actors && !namesOf(caller).some((name) => name !== undefined && actors.has(name))) return false;
  if (purposes && !withWider(caller.purposeOfUse ?? byDefault).some((one) => purposes.has(one))) return false;
  if (types && !types.has(type)) return false;
  return labels ? labelled(labels, asked) : true;
}

function namesOf({ agent, fhirUser, clientId }: Caller): readonly (string | undefined)[] {
  return [fhirUser, agent.reference, `Device/${clientId}`];
}

function labelled(labels: NonNullable<Provision['labels']>, { definitions, type }: Asked): Share {
  const parameter = indexedParameters(definitions, type).get('_security');
  if (!parameter || labels.length === 0) return false;
  return { kind: 'token', key: parameter.key, shape: parameter.tokenShape, values: labels };
}

function both(one: Share, other: Share): Share {
  if (one === false || other === false) return false;
  if (one === true) return other;
  return other === true ? one : allOf([one, other]);
}

function either(shares: readonly Share[]): Share {
  if (shares.includes(true)) return true;
  const criteria = shares.filter((share): share is Criterion => typeof share !== 'boolean');
  return criteria.length === 0 ? false : anyOf(criteria);
}

function opposite(share: Share): Share {
  return typeof share === 'boolean' ? !share : { kind: 'not', criteria: [share] };
}

function allOf(criteria: readonly Criterion[]): Criterion {
  return { kind: 'any', anyOf: [criteria] };
}

function anyOf(criteria: readonly Criterion[]): Criterion {
  const [only, ...others] = criteria;
  return only && others.length === 0 ? only : { kind: 'any', anyOf: criteria.map((criterion) => [criterion]) };
}
