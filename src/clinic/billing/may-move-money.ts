// Which writes of Invoices may issue or cancel, told before anything stored is read.

import type { Invoice } from '@medplum/fhirtypes';
import type { WriteIntent } from '../../repository/change.ts';

/** A patch may do anything. */
export function mayMoveMoney(intent: WriteIntent): boolean {
  if (intent.action === 'patch') return true;
  if (intent.action === 'delete') return false;
  const { status, lineItem } = intent.resource as Invoice;
  return intent.action === 'create' ? status === 'issued' && lineItem !== undefined : status !== 'draft';
}
