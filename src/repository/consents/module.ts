// What a write of a Consent does to reading: one that denies is in force in every process within a second: https://hl7.org/fhir/R4/consent.html

import type { Change } from '../change.ts';
import type { Module } from '../module.ts';
import type { Session } from '../session.ts';
import { changeDenialIds } from './denial-ids.ts';
import { isDenial } from './denying-consent.ts';

export const consentsModule: Module = {
  name: 'consents',
  effects: [{ name: 'consents', type: 'Consent', run: keepDenials }],
};

async function keepDenials(changes: readonly Change[], { trx }: Session): Promise<[]> {
  const added = changes.filter(({ resource }) => isDenial(resource)).map(({ id }) => id);
  const removed = changes
    .filter(({ resource, oldResource }) => isDenial(oldResource) && !isDenial(resource))
    .map(({ id }) => id);
  if (added.length > 0 || removed.length > 0) await changeDenialIds(trx, { added, removed });
  return [];
}
