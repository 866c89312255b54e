// Reads a Consent of privacy: what it denies, and what it excepts from that: https://hl7.org/fhir/R4/consent.html

import type { CodeableConcept, Coding, Consent, ConsentProvision, Resource } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { parseReference } from '../../fhir/references.ts';
import { earliestMs, latestMs } from '../../search/date-span.ts';
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

/** Undefined for what is not in force, is not about privacy, or denies nothing. */
export function denyingConsent(resource: Resource | undefined): DenyingConsent | undefined {
  if (resource?.resourceType !== 'Consent') return undefined;
  const { status, patient, provision } = resource;
  if (status !== 'active' || !provision || !isOfPrivacy(resource)) return undefined;
  const target = parseReference(patient?.reference ?? '');
  const read = readProvision(provision, undefined);
  if (target.kind !== 'resource' || target.type !== 'Patient' || !read || !denies(read)) return undefined;
  return { patient: target.id, provision: read };
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
function readProvision(provision: ConsentProvision, around: 'deny' | 'permit' | undefined): Provision | undefined {
  const { type, period, actor, action, purpose, securityLabel, code, data, dataPeriod } = provision;
  const isDenial = type === undefined ? around === 'permit' : type === 'deny';
  const actions = action?.flatMap(({ coding }) => codesOf(coding)) ?? [];
  if (actions.length > 0 && !actions.some((one) => readingActions.has(one))) return undefined;
  if (!isDenial && around !== undefined && (code ?? data ?? dataPeriod)) return undefined;
  const actors = actor?.map(({ reference }) => nameOf(reference?.reference ?? ''));
  return {
    isDenial,
    ...(period && { period: spanOf(period) }),
    ...(actors && { actors: new Set(actors) }),
    ...(purpose && { purposes: new Set(codesOf(purpose)) }),
    ...(provision.class && { types: new Set(codesOf(provision.class)) }),
    ...(securityLabel && { labels: securityLabel.flatMap(labelOf) }),
    exceptions: provision.provision?.flatMap((one) => readProvision(one, isDenial ? 'deny' : 'permit') ?? []) ?? [],
  };
}

/** Of whichever version. */
function nameOf(reference: string): string {
  const target = parseReference(reference);
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
