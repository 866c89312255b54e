// How money was handed over: the methods that have an account in the ledger (contract.md 32).

import type { CodeableConcept } from '@medplum/fhirtypes';
import { ownPaymentMethodSystem, paymentMethodSystem } from './canonicals.ts';

/** Codes of v2-0570 and of the house. */
export const methodCodes = ['CASH', 'CCCA', 'DEBC', 'UPI', 'wallet', 'DDPO', 'CHCK'] as const;

export type MethodCode = (typeof methodCodes)[number];

const ownCodes: ReadonlySet<string> = new Set<MethodCode>(['UPI', 'wallet']);

/** Undefined for a method that has no account. */
export function methodOf(concept: CodeableConcept | undefined): MethodCode | undefined {
  for (const { system, code } of concept?.coding ?? []) {
    const known = methodCodes.find((one) => one === code);
    if (known !== undefined && system === systemOf(known)) return known;
  }
  return undefined;
}

export function methodConcept(code: MethodCode): CodeableConcept {
  return { coding: [{ system: systemOf(code), code }] };
}

export function isMethodCode(code: string): code is MethodCode {
  return (methodCodes as readonly string[]).includes(code);
}

function systemOf(code: MethodCode): string {
  return ownCodes.has(code) ? ownPaymentMethodSystem : paymentMethodSystem;
}
