// Before an Invoice is stored: which step of its life a client's write is, and what the server makes of it (domain.md SM-2, SM-2c, contract.md 26 to 30, 50).

import type { Invoice } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { findVersion } from '../../repository/vread.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { replaceOfSystem } from '../numbers/identifiers.ts';
import { requireBilling, requireIssuer } from './billing-roles.ts';
import { prepareCancellation } from './cancel-issued.ts';
import { creditNoteNumberSystem, feeSystem, invoiceNumberSystem } from './canonicals.ts';
import { clinicTime } from './clinic-time.ts';
import { correctedIdOf, requireCorrectable } from './correction.ts';
import { hasNumber, keepFrozen } from './frozen-invoice.ts';
import { isImport, kindOf, requireFollower } from './invoice-status.ts';
import { fillIssued, issueOf, noteIssue, patientOf, requirePriced } from './issue.ts';
import { foreseeCharges } from './post-invoices.ts';
import { type DraftOptions, dropServerElements, prepareDraft } from './prepare-draft.ts';
import type { PriceList } from './price-list.ts';

export interface PrepareOptions {
  readonly settingsOf: SettingsOf;
  readonly pricesOf: PriceList;
  readonly appliesCredit: boolean;
}

export function createPrepareInvoices(options: PrepareOptions): Rule<void> {
  return {
    name: 'invoices',
    type: 'Invoice',
    async run(changes, session) {
      const asked = changes.filter((change) => !change.byServer && change.resource && isSound(change, session));
      if (asked.length === 0) return;
      if (asked.some(movesMoney)) lockMoney(session);
      const settings = await options.settingsOf(session.trx);
      const draftOptions = { pricesOf: options.pricesOf, settings };
      const correctedMinor = new Map<string, bigint>();
      for (const change of asked) {
        await ofChange(change, () => prepare(change, session, { ...draftOptions, correctedMinor }));
      }
      const issued = asked.filter(issueOf);
      if (issued.length === 0) return;
      foreseeCharges(session, issued, settings['ledger.basis']);
      const { timezone, 'invoices.due-days': dueDays } = settings;
      await fillIssued(session, issued, { timezone, dueDays, appliesCredit: options.appliesCredit });
    },
  };
}

interface StepOptions extends DraftOptions {
  /** What corrections of the same write take, by the Invoice they correct. */
  readonly correctedMinor: Map<string, bigint>;
}

/** What breaks R4's own rules is refused by the validation that follows. */
function isSound({ resource, exactNumbers }: Change, { repository }: Session): boolean {
  if (!resource) return false;
  const issues = repository.validate(resource, exactNumbers ? { exactNumbers } : {});
  return !issues.some(({ severity }) => severity === 'error' || severity === 'fatal');
}

function movesMoney({ resource, oldResource }: Change): boolean {
  const next = resource as Invoice;
  const old = oldResource as Invoice | undefined;
  if (next.status === 'issued') return old?.status !== 'issued' && !(old === undefined && isImport(next));
  return next.status === 'cancelled' && (old?.status === 'issued' || old?.status === 'balanced');
}

async function prepare(change: Change, session: Session, options: StepOptions): Promise<void> {
  const next = change.resource as Invoice;
  const old = change.oldResource as Invoice | undefined;
  const isFromOutside = old === undefined ? isImport(next) : isImport(old);
  if (isFromOutside && (isImport(next) || isEnded(next))) return dropServerNumbers(change);
  requireFollower(old?.status, next.status);
  // What had ended before it came here is nobody's money.
  if (isEnded(next) && (await hadEndedElsewhere(change, session))) return dropServerNumbers(change);
  if (isFromOutside) throw frozenImport();
  if (old === undefined || old.status === 'draft') return await prepareOpen(change, session, options);
  if (next.status === old.status) return keepFrozen(change);
  await prepareCancellation(change, session);
}

/** A draft, or what was one until now. */
async function prepareOpen(change: Change, session: Session, options: StepOptions): Promise<void> {
  const next = change.resource as Invoice;
  if (isEnded(next)) {
    requireBilling(session.caller);
    return endDraft(change);
  }
  if (next.status === 'issued') requireIssuer(session.caller);
  const { lines, currency, grossMinor } = await prepareDraft(change, session, options);
  if (next.status !== 'issued') return;
  const kind = kindOf(next);
  const components = lines.map((line) => line.components);
  const corrects = kind === 'invoice' ? undefined : await correct(change, session, { currency, grossMinor, options });
  requirePriced(components);
  const patient = patientOf(next);
  const issuedOn = clinicTime(session.at, options.settings.timezone).slice(0, 10);
  noteIssue(change, { kind, patient, currency, grossMinor, issuedOn, components, correctsId: corrects });
}

interface CorrectOptions {
  readonly currency: Currency;
  readonly grossMinor: bigint;
  readonly options: StepOptions;
}

async function correct(
  change: Change,
  session: Session,
  { currency, grossMinor, options: { correctedMinor } }: CorrectOptions,
): Promise<string> {
  const invoice = change.resource as Invoice;
  const earlierMinor = correctedMinor.get(correctedIdOf(invoice) ?? '') ?? 0n;
  const { id } = await requireCorrectable(session, { invoice, currency, grossMinor, earlierMinor });
  correctedMinor.set(id, earlierMinor - grossMinor);
  return id;
}

/** True of what was never a draft of this clinic, nor issued here; whatever was, stays as it ended. */
async function hadEndedElsewhere({ id, old, oldResource }: Change, session: Session): Promise<boolean> {
  const known = oldResource as Invoice | undefined;
  if (!old || !known) return true;
  if (!isEnded(known) || hasNumber(known)) return false;
  const first = old.versionId === 1 ? old : await findVersion(session, 'Invoice', id, 1);
  return first?.body !== undefined && isEnded(parseBody(first) as Invoice);
}

function isEnded({ status }: Invoice): boolean {
  return status === 'cancelled' || status === 'entered-in-error';
}

/** What a cancelled draft was about stays readable as it was. */
function endDraft(change: Change): void {
  const next = change.resource as Invoice;
  const isFee = next.identifier?.some(({ system }) => system === feeSystem) ?? false;
  if (isFee && next.status === 'cancelled' && (next.cancelledReason ?? '').trim() === '') {
    throw fhirError('business-rule', 'A fee is waived with a reason.', { expression: 'Invoice.cancelledReason' });
  }
  dropServerElements(change);
}

function dropServerNumbers(change: Change): void {
  for (const system of [invoiceNumberSystem, creditNoteNumberSystem]) replaceOfSystem(change, system, []);
}

function frozenImport(): Error {
  const diagnostics = 'This Invoice is of another system: its money is not reckoned here, so it gets no lines.';
  return fhirError('business-rule', diagnostics, { expression: 'Invoice.lineItem' });
}

async function ofChange(change: Change, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(change.index) : error;
  }
}
