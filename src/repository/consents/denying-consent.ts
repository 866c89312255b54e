// Reads a Consent of privacy: what it denies, and what it excepts from that: https://hl7.org/fhir/R4/consent.html

import type { CodeableConcept, Coding, Consent, ConsentProvision, Resource } from '@medplum/fhirtypes';
import { earliestMs, latestMs, parseDate } from '../../fhir/dates.ts';
import { parseReference } from '../../fhir/references.ts';
import type { DenyingConsent } from './denials.ts';
import type { Provision } from './provision.ts';

/** https://hl7.org/fhir/R4/valueset-consent-scope.html, and the LOINC and v3 codes of privacy consents among the categories. */
const privacyCodes: ReadonlySet<string> = new Set([
  'patient-privacy',
  '57016-8',
  '57017-6',
  '59284-0',
  'IDSCL',
  'INFA',
]);
/** Of https://hl7.org/fhir/R4/valueset-consent-action.html; `correct` keeps nobody from reading. */
const readingActions: ReadonlySet<string> = new Set(['access', 'collect', 'use', 'disclose']);

/**
 * Undefined for what is not in force, is not about privacy, denies nothing, or is about no patient of this server. References
 * below `baseUrl`, the tenant's own, are like relative ones; those of other servers name nobody here.
 */
export function denyingConsent(resource: Resource | undefined, baseUrl: string): DenyingConsent | undefined {
  const provision = denialOf(resource, baseUrl);
  const target = parseReference((resource as Consent | undefined)?.patient?.reference ?? '', baseUrl);
  if (target.kind !== 'resource' || target.type !== 'Patient' || !provision) return undefined;
  return { patient: target.id, provision };
}

/** True for what denies something to somebody, whichever server's patient it is about. */
export function isDenial(resource: Resource | undefined): boolean {
  return denialOf(resource, '') !== undefined;
}

function denialOf(resource: Resource | undefined, baseUrl: string): Provision | undefined {
  if (resource?.resourceType !== 'Consent') return undefined;
  const { status, provision } = resource;
  if (status !== 'active' || !provision || !isOfPrivacy(resource)) return undefined;
  const read = readProvision(provision, { around: undefined, baseUrl });
  return read && denies(read) ? read : undefined;
}

interface Reading {
  /** The kind of the provision that this one is inside of. */
  readonly around: 'deny' | 'permit' | undefined;
  readonly baseUrl: string;
}

function isOfPrivacy({ scope, category }: Consent): boolean {
  const concepts: readonly CodeableConcept[] = [scope, ...(category ?? [])];
  return concepts.some(({ coding }) => coding?.some(({ code }) => code !== undefined && privacyCodes.has(code)));
}

function denies({ isDenial, exceptions }: Provision): boolean {
  return isDenial || exceptions.some(denies);
}

/**
 * Undefined for one that keeps nobody from reading, and for an exception that permits but is narrowed by what is not
 * understood here (code, data, dataPeriod): nothing may be shown that the patient has not permitted. A denial that is so
 * narrowed denies the whole. A type that is not given is the other one than around it.
 */
function readProvision(provision: ConsentProvision, { around, baseUrl }: Reading): Provision | undefined {
  const { type, period, actor, action, purpose, securityLabel, code, data, dataPeriod } = provision;
  const isDenial = type === undefined ? around === 'permit' : type === 'deny';
  const actions = action?.flatMap(({ coding }) => codesOf(coding)) ?? [];
  if (actions.length > 0 && !actions.some((one) => readingActions.has(one))) return undefined;
  if (!isDenial && around !== undefined && (code ?? data ?? dataPeriod)) return undefined;
  const actors = actor?.map(({ reference }) => nameOf(reference?.reference ?? '', baseUrl));
  const inner = { around: isDenial ? 'deny' : 'permit', baseUrl } as const;
  return {
    isDenial,
    ...(period && { period: spanOf(period) }),
    ...(actors && { actors: new Set(actors) }),
    ...(purpose && { purposes: new Set(codesOf(purpose)) }),
    ...(provision.class && { types: new Set(codesOf(provision.class)) }),
    ...(securityLabel && { labels: securityLabel.flatMap(labelOf) }),
    exceptions: provision.provision?.flatMap((one) => readProvision(one, inner) ?? []) ?? [],
  };
}

/** Of whichever version. */
function nameOf(reference: string, baseUrl: string): string {
  const target = parseReference(reference, baseUrl);
  return target.kind === 'resource' ? `${target.type}/${target.id}` : reference;
}

function codesOf(codings: readonly Coding[] | undefined): string[] {
  return codings?.flatMap(({ code }) => code ?? []) ?? [];
}

function labelOf({ system, code }: Coding): { system?: string; code: string }[] {
  return code === undefined ? [] : [{ ...(system !== undefined && { system }), code }];
}

/** An end that is missing is open, one that cannot be read as well. */
function spanOf({ start, end }: NonNullable<ConsentProvision['period']>) {
  const low = start === undefined ? undefined : parseDate(start, 'dateTime')?.low;
  const high = end === undefined ? undefined : parseDate(end, 'dateTime')?.high;
  return { low: low ?? earliestMs, high: high ?? latestMs };
}
