// What was issued or billed is not deleted, and what is billed does not change under its Invoice (domain.md SM-2, S4-K2).

import { isDeepStrictEqual } from 'node:util';
import type { ChargeItem, Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import { claimedOf } from './claim-charges.ts';
import { hasNumber } from './frozen-invoice.ts';

/** A number that was given stays in its series for ever, also where the Invoice was cancelled. */
export const keepIssued: Rule<void> = {
  name: 'issued-invoices-stay',
  type: 'Invoice',
  run(changes) {
    for (const { resource, oldResource, byServer, index } of changes) {
      if (resource || byServer || !hasNumber(oldResource as Invoice | undefined)) continue;
      throw fhirError(
        'conflict',
        'An Invoice that was issued is not deleted: cancel it, or correct it by a credit note.',
        {
          expression: 'Invoice',
          writeIndex: index,
        },
      );
    }
  },
};

export const keepBilled: Rule<void> = {
  name: 'billed-charges-stay',
  type: 'ChargeItem',
  async run(changes, session) {
    const touched = changes.filter((change) => !change.byServer && touchesBilled(change));
    if (touched.length === 0) return;
    const claimed = await claimedOf(
      session,
      touched.map(({ id }) => id),
    );
    const bad = touched.find(({ id }) => claimed.has(id));
    if (!bad) return;
    throw fhirError('conflict', 'This ChargeItem is on an Invoice that was issued: cancel or correct that.', {
      expression: 'ChargeItem',
      writeIndex: bad.index,
    });
  },
};

/** Notes and the like may be added. */
function touchesBilled({ resource, oldResource }: Change): boolean {
  const old = oldResource as ChargeItem | undefined;
  if (old?.status !== 'billed') return false;
  const next = resource as ChargeItem | undefined;
  const charged = ['status', 'code', 'subject', 'quantity', 'service', 'productReference', 'priceOverride'] as const;
  return !next || charged.some((element) => !isDeepStrictEqual(old[element], next[element]));
}
