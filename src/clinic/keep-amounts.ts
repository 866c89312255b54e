// Amounts that the server fills in are written with all decimals of their currency, as 1.00: https://hl7.org/fhir/R4/datatypes.html#decimal

import { exactAmounts } from '../fhir/money.ts';
import type { Change } from '../repository/change.ts';

/** To be called once the new content is complete; what a client wrote in other numbers stays. */
export function keepAmounts(change: Change): void {
  if (!change.resource) return;
  change.exactNumbers = new Map([...(change.exactNumbers ?? []), ...exactAmounts(change.resource)]);
}
