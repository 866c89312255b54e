// A journal as the Basic resource that shows it (contract.md 41): https://hl7.org/fhir/R4/basic.html

import type { Basic, Extension } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import type { Content } from '../../repository/change.ts';
import { basicCodeSystem, extensionUrls, ledgerTransactionCode } from './canonicals.ts';
import { exactContent } from './exact-content.ts';
import { isReceivable, isRevenue } from './invoice-changes.ts';
import type { ChainedJournal } from './journal-chain.ts';
import { exactMoney } from './shown-balances.ts';

export interface ShownJournal {
  readonly id: string;
  readonly type: string;
  readonly businessDate: string;
  /** `Patient/x`; empty = nobody. */
  readonly subject: string;
  /** `Invoice/1/_history/2`. */
  readonly source: string;
  /** Id of another one; empty = none. */
  readonly reverses: string;
  readonly lines: readonly ShownLine[];
}

export interface ShownLine {
  readonly number: string;
  readonly accountId: string;
  readonly currency: Currency;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly accountSeq: bigint;
  readonly party: string;
  readonly invoice: string;
}

/** Of a journal that is being posted. */
export function journalBasic({ id, posting, lines, source }: ChainedJournal): Required<Content> {
  const { type, businessDate, subject = '', reverses = '', currency } = posting;
  return ledgerBasic({
    ...{ id, type, businessDate, subject, reverses },
    source: `${source.type}/${source.id}/_history/${source.version}`,
    lines: lines.map((line) => ({
      ...{ number: line.state.number, accountId: line.state.accountId, currency, amountMinor: line.amountMinor },
      ...{ balanceAfterMinor: line.balanceAfterMinor, accountSeq: line.accountSeq },
      ...{ party: line.party ?? '', invoice: line.invoice ?? '' },
    })),
  });
}

export function ledgerBasic({
  id,
  type,
  businessDate,
  subject,
  source,
  reverses,
  lines,
}: ShownJournal): Required<Content> {
  return exactContent<Basic>({
    resourceType: 'Basic',
    id,
    extension: [
      { url: extensionUrls.ledgerType, valueCode: type },
      { url: extensionUrls.source, valueReference: { reference: source } },
      ...(reverses === '' ? [] : [{ url: extensionUrls.reverses, valueReference: { reference: `Basic/${reverses}` } }]),
      ...lines.map((line) => ({ url: extensionUrls.entry, extension: entryParts(line) })),
    ],
    code: { coding: [{ system: basicCodeSystem, code: ledgerTransactionCode }] },
    ...(subject !== '' && { subject: { reference: subject } }),
    created: businessDate,
  });
}

function entryParts(line: ShownLine): Extension[] {
  const { number, accountId, currency, amountMinor, balanceAfterMinor, accountSeq, party, invoice } = line;
  return [
    { url: 'account', valueReference: { reference: `Account/${accountId}` } },
    { url: 'amount', valueMoney: exactMoney({ amountMinor, currency }) },
    { url: 'balanceAfter', valueMoney: exactMoney({ amountMinor: balanceAfterMinor, currency }) },
    { url: 'seq', valueInteger: Number(accountSeq) },
    ...(party === '' ? [] : [{ url: 'party', valueReference: { reference: party } }]),
    ...(invoice !== '' && namesInvoice(number)
      ? [{ url: 'invoice', valueReference: { reference: `Invoice/${invoice}` } }]
      : []),
  ];
}

/** What an Invoice owes and earns; taxes, discounts and losses are told by their accounts. */
function namesInvoice(number: string): boolean {
  return isReceivable(number) || number === '2400' || (isRevenue(number) && number.startsWith('40'));
}
