// What each Appointment of the past came to, by number: who did not come, what it cost, and how it was paid, if it was.

import { idOf, practitioners, visitOf } from './plan.ts';

export interface Bill {
  /** Of the Appointment. */
  readonly n: number;
  readonly patient: number;
  readonly practitioner: number;
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly start: Date;
  /** Nobody came, so nothing is charged. */
  readonly isMissed: boolean;
  readonly amountMinor: bigint;
  /** On the same day, in full; undefined = not yet. */
  readonly paid: { readonly method: string; readonly drawer?: string } | undefined;
}

export const currency = 'USD';
export const revenueAccount = '4000';
const departments = 10;
const tills = 4;
const missedPercent = 5;
const unpaidPercent = 2;
/** Of ten payments. */
const methods = ['CASH', 'CASH', 'CASH', 'CASH', 'CCCA', 'CCCA', 'CCCA', 'DEBC', 'UPI', 'DDPO'] as const;

/** `patients` are those there were when the Appointment was loaded. */
export function billOf(n: number, patients: number): Bill {
  const { patient, practitioner, start } = visitOf(n, patients);
  const mixed = mix(n);
  const percent = mixed % 100;
  const method = methods[(mixed >>> 8) % methods.length] ?? 'CASH';
  const isMissed = percent < missedPercent;
  const isUnpaid = isMissed || percent < missedPercent + unpaidPercent;
  return {
    ...{ n, patient, practitioner, start, day: start.toISOString().slice(0, 10), isMissed },
    amountMinor: BigInt(2_000 + ((mixed >>> 4) % 400) * 25),
    paid: isUnpaid ? undefined : { method, ...(method === 'CASH' && { drawer: drawerOf((mixed >>> 16) % tills) }) },
  };
}

/** So that neither practitioner nor day tells how a visit went: https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing */
function mix(n: number): number {
  const spread = Math.imul(n + 1, 0x9e3779b1);
  return Math.imul(spread ^ (spread >>> 15), 0x85ebca6b) >>> 0;
}

export const drawerOf = (till: number) => `Location/till-${till + 1}`;
export const drawers = Array.from({ length: tills }, (_, till) => drawerOf(till));
export const departmentOf = (practitioner: number) => `department-${(practitioner % departments) + 1}`;

/** Ids of their own: the Invoices of the plan are not of Appointments. */
export const invoiceIdOf = (n: number) => idOf('Invoice', firstOfVisits + n);
export const paymentIdOf = (n: number) => idOf('Invoice', 2 * firstOfVisits + n);
const firstOfVisits = 100_000_000;

if (practitioners % departments !== 0) throw new Error('Departments are of the same size.');
