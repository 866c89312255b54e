// What a merge makes of the two Patients themselves, and what an undoing takes back: domain.md section 6 "Patient merge".

import type { Identifier, Patient, PatientLink } from '@medplum/fhirtypes';
import type { Content } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import { numberSystem } from './likeness.ts';

/** The source stays readable, inactive, and says who it is now. */
export function replacedSource(content: Content, targetId: string): Content {
  return changed(content, (patient) => ({
    ...patient,
    active: false,
    link: [...(patient.link ?? []), linkTo(targetId, 'replaced-by')],
  }));
}

/** The target, or what the caller wants it to become, with the identifiers of both; the clinic's own number stays the target's. */
export function mergedTarget(target: Content, source: Patient, result: Content | undefined): Content {
  const own = ownNumbers((target.resource as Patient).identifier);
  return changed(result ?? target, (patient) => {
    const identifiers = result
      ? [...(patient.identifier ?? []).filter(({ system }) => system !== numberSystem), ...own]
      : (patient.identifier ?? []);
    const link = [...(patient.link ?? []), linkTo(source.id ?? '', 'replaces')];
    const added = (source.identifier ?? []).filter((one) => !identifiers.some((other) => isSame(one, other)));
    const identifier = [...identifiers, ...added.map((one): Identifier => ({ ...one, use: 'old' }))];
    return { ...patient, ...(identifier.length > 0 && { identifier }), link };
  });
}

/** For a source that others have changed since. */
export function restoredSource(content: Content, targetId: string): Content {
  return changed(content, (patient) => ({ ...withoutLink(patient, targetId, 'replaced-by'), active: true }));
}

/** For a target that others have changed since: it loses what the source brought. */
export function restoredTarget(content: Content, source: Patient): Content {
  return changed(content, (patient) => {
    const brought = (one: Identifier) => one.use === 'old' && source.identifier?.some((other) => isSame(one, other));
    const { identifier = [], ...rest } = withoutLink(patient, source.id ?? '', 'replaces');
    const kept = identifier.filter((one) => !brought(one));
    return { ...rest, ...(kept.length > 0 && { identifier: kept }) };
  });
}

function linkTo(id: string, type: NonNullable<PatientLink['type']>): PatientLink {
  return { other: { reference: `Patient/${id}` }, type };
}

function withoutLink({ link = [], ...rest }: Patient, id: string, type: PatientLink['type']): Patient {
  const kept = link.filter((one) => one.type !== type || one.other?.reference !== `Patient/${id}`);
  return { ...rest, ...(kept.length > 0 && { link: kept }) };
}

function ownNumbers(identifiers: readonly Identifier[] = []): Identifier[] {
  return identifiers.filter(({ system }) => system === numberSystem);
}

function isSame(one: Identifier, other: Identifier): boolean {
  return one.system === other.system && one.value === other.value;
}

/** The texts of numbers move along with their elements. */
function changed({ resource, exactNumbers }: Content, change: (patient: Patient) => Patient): Content {
  const marked = change(markExact(resource, exactNumbers) as Patient);
  const numbers = findExact(marked);
  return { resource: unmarkExact(marked) as Patient, ...(numbers.size > 0 && { exactNumbers: numbers }) };
}
