// The record of a drawer's closed day: per method what was expected, what was counted, and how far they are apart (contract.md 44, domain.md D9).

import type { Extension, Money, PaymentReconciliation, PaymentReconciliationDetail } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import type { Currency } from '../../fhir/money.ts';
import type { Content } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { exactContent } from '../ledger/exact-content.ts';
import { extensionUrls, mainDrawerId, ownPaymentTypeSystem } from './canonicals.ts';
import { exactMoney } from './content.ts';
import { isMethodCode, type MethodCode, methodCodes, methodConcept } from './money-method.ts';
import type { SettleCall } from './settle-parameters.ts';

export interface SettledLine {
  readonly method: MethodCode;
  readonly expectedMinor: bigint;
  /** Undefined where nobody has counted it. */
  readonly countedMinor: bigint | undefined;
}

/** Of each method that was counted or that money is expected of; of none there is still cash. */
export function linesOf(expected: ReadonlyMap<string, bigint>, counted: SettleCall['counted']): SettledLine[] {
  const methods = [...expected.keys()].filter((method) => isMethodCode(method) && expected.get(method) !== 0n);
  const known = new Set([...methods, ...counted.keys()]);
  const listed = methodCodes.filter((method) => known.has(method));
  if (listed.length === 0) return [{ method: 'CASH', expectedMinor: 0n, countedMinor: 0n }];
  return listed.map((method) => ({
    method,
    expectedMinor: expected.get(method) ?? 0n,
    countedMinor: counted.get(method),
  }));
}

/** Counted less expected. */
export function varianceOf({ expectedMinor, countedMinor }: SettledLine): bigint {
  return countedMinor === undefined ? 0n : countedMinor - expectedMinor;
}

/** Too much of one method makes up for nothing that is missing of another. */
export function totalVariance(lines: readonly SettledLine[]): bigint {
  return sumOf(lines.map(varianceOf).map((minor) => (minor < 0n ? -minor : minor)));
}

export interface Settled {
  readonly lines: readonly SettledLine[];
  readonly currency: Currency;
  /** For who has still to count: what is expected is not told (domain.md 6, "blind count"). */
  readonly isBlind: boolean;
}

export function settlementOf(
  { caller, at }: Pick<Session, 'caller' | 'at'>,
  { day, drawer = mainDrawerId, note, isPreview, approver }: SettleCall,
  { lines, currency, isBlind }: Settled,
): Required<Content> & { readonly resource: PaymentReconciliation } {
  const ofDrawer: Extension = { url: extensionUrls.drawer, valueReference: { reference: `Location/${drawer}` } };
  const { fhirUser } = caller;
  const isPractitioner = fhirUser?.startsWith('Practitioner/') ?? false;
  return exactContent<PaymentReconciliation>({
    resourceType: 'PaymentReconciliation',
    extension: [
      {
        url: extensionUrls.type,
        valueCodeableConcept: { coding: [{ system: ownPaymentTypeSystem, code: 'settlement' }] },
      },
      ofDrawer,
      ...(approver === undefined
        ? []
        : [{ url: extensionUrls.approvedBy, valueReference: { reference: `Practitioner/${approver}` } }]),
    ],
    status: isPreview ? 'draft' : 'active',
    period: { start: day, end: day },
    created: at.toISOString(),
    ...(isPractitioner && fhirUser !== undefined && { requestor: { reference: fhirUser } }),
    outcome: 'complete',
    paymentDate: day,
    paymentAmount: isBlind ? masked : exactMoney(sumOf(lines.map(({ expectedMinor }) => expectedMinor)), currency),
    detail: lines.map((line) => detailOf(line, ofDrawer, { currency, isBlind })),
    ...(note !== undefined && { processNote: [{ type: 'print', text: note }] }),
  });
}

/** R4 wants an amount there: https://hl7.org/fhir/R4/valueset-data-absent-reason.html */
const masked: Money = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
};

function detailOf(
  line: SettledLine,
  ofDrawer: Extension,
  { currency, isBlind }: Omit<Settled, 'lines'>,
): PaymentReconciliationDetail {
  const { method, expectedMinor, countedMinor } = line;
  const money = (url: string, minor: bigint): Extension => ({ url, valueMoney: exactMoney(minor, currency) });
  const variance = isBlind ? [] : [money(extensionUrls.variance, varianceOf(line))];
  const counted = countedMinor === undefined ? [] : [money(extensionUrls.counted, countedMinor), ...variance];
  return {
    extension: [...counted, ofDrawer],
    type: methodConcept(method),
    ...(!isBlind && { amount: exactMoney(expectedMinor, currency) }),
  };
}
