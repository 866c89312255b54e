// The jobs behind missed visits: a ChargeItem and a draft Invoice of the fee, once per Appointment and kind (domain.md 6).

import type { Appointment, ChargeItem, Invoice, Reference } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { readDecimal } from '../../fhir/decimal.ts';
import { newId } from '../../fhir/ids.ts';
import { type Currency, readAmount } from '../../fhir/money.ts';
import type { ModuleJob } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody, type StoredVersion } from '../../repository/stored-version.ts';
import { findVersion } from '../../repository/vread.ts';
import type { FeePolicy, WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { feeCodeSystem, feeSystem } from './canonicals.ts';
import { createDrafts } from './create-drafts.ts';
import { toPriceComponent, totalsOf } from './invoice-amounts.ts';
import { localTarget } from './local-target.ts';
import { lockAppointment } from './lock-appointment.ts';
import { cancelledTopic, noShowTopic } from './missed-visits.ts';
import { patientsOfVisit } from './patients-of-visit.ts';
import type { LineComponent } from './price-line.ts';
import { timesRounded } from './rounding.ts';

type FeeKind = 'no-show' | 'late-cancel';

export function createFeeJobs(settingsOf: SettingsOf): ModuleJob[] {
  const jobOf = (topic: string, kind: FeeKind): ModuleJob => ({
    topic,
    consumer: `billing.${kind}-fee`,
    async run({ resourceId, newVersionId }, session) {
      const current = await lockAppointment(session, resourceId);
      const version = await findVersion(session, 'Appointment', resourceId, newVersionId);
      const appointment = version && (parseBody(version) as Appointment | undefined);
      const settings = await settingsOf(session.trx);
      if (!version || !appointment || current?.status !== appointment.status) return;
      // Who calls off may move the visit in the same write: what it was until then is what was called off.
      const missed = (kind === 'late-cancel' && (await versionBefore(session, version))) || appointment;
      const policy = policyOf(settings, { kind, appointment: missed, at: version.lastUpdated });
      if (policy) await charge(session, { appointment: missed, kind, policy, settings });
    },
  });
  return [jobOf(noShowTopic, 'no-show'), jobOf(cancelledTopic, 'late-cancel')];
}

/** Undefined for the first version, and where the one before is a deletion. */
async function versionBefore(session: Session, { id, versionId }: StoredVersion): Promise<Appointment | undefined> {
  const version = versionId > 1 ? await findVersion(session, 'Appointment', id, versionId - 1) : undefined;
  return version && (parseBody(version) as Appointment | undefined);
}

interface Missed {
  readonly kind: FeeKind;
  readonly appointment: Appointment;
  /** When it was missed or cancelled. */
  readonly at: Date;
}

/** Undefined where the clinic asks for no fee, or was told in time. */
function policyOf(settings: WorkflowSettings, { kind, appointment, at }: Missed): FeePolicy | undefined {
  if (kind === 'no-show') return settings['fees.no-show'] ?? undefined;
  const policy = settings['fees.late-cancel'];
  const start = parseDate(appointment.start ?? '', 'instant');
  if (!policy || !start) return undefined;
  return start.low - at.getTime() < policy.noticeHours * 3_600_000 ? policy : undefined;
}

interface Fee {
  readonly appointment: Appointment;
  readonly kind: FeeKind;
  readonly policy: FeePolicy;
  readonly settings: WorkflowSettings;
}

/** Counted under the money lock: of two that are missed at once one comes after the other. */
async function charge(session: Session, { appointment, kind, policy, settings }: Fee): Promise<void> {
  const patient = patientOf(appointment);
  const currency = settings.currency;
  if (!patient) return;
  lockMoney(session);
  const invoiceId = newId(session.at.getTime());
  const isCharged = await claimFee(session, { appointment, kind, patient, fromCount: policy.fromCount, invoiceId });
  if (!isCharged) return;
  const resources = feeResources({ session, appointment, kind, patient, currency, invoiceId, policy, settings });
  await createDrafts(session, resources);
}

interface FeeClaim {
  readonly appointment: Appointment;
  readonly kind: FeeKind;
  readonly patient: Reference;
  readonly fromCount: number;
  readonly invoiceId: string;
}

/** True when this is the first claim for the Appointment, and the patient has missed often enough. */
async function claimFee(
  { trx }: Session,
  { appointment, kind, patient, fromCount, invoiceId }: FeeClaim,
): Promise<boolean> {
  const rows = await trx.query<{ invoice_id: string | null }>({
    name: 'claim-fee',
    text: `INSERT INTO fee_invoice (appointment_id, kind, patient_id, invoice_id)
           SELECT $1, $2, $3, CASE WHEN 1 + (
             SELECT count(*) FROM fee_invoice WHERE patient_id = $3 AND kind = $2 AND appointment_id <> $1) >= $4 THEN $5 END
           ON CONFLICT (tenant_id, appointment_id, kind) DO NOTHING RETURNING invoice_id`,
    values: [appointment.id, kind, localTarget(patient)?.id, fromCount, invoiceId],
  });
  return (rows[0]?.invoice_id ?? null) !== null;
}

interface FeeDraft extends Omit<Fee, 'settings'> {
  readonly session: Session;
  readonly patient: Reference;
  readonly currency: Currency;
  readonly invoiceId: string;
  readonly settings: WorkflowSettings;
}

const texts: Readonly<Record<FeeKind, string>> = { 'no-show': 'No-show fee', 'late-cancel': 'Late cancellation fee' };

function feeResources(draft: FeeDraft): [Invoice, ChargeItem] {
  const { session, appointment, kind, patient, currency, invoiceId } = draft;
  const chargeItemId = newId(session.at.getTime());
  const at = session.at.toISOString();
  const amountMinor = minorOf(draft);
  const base: LineComponent = { type: 'base', code: undefined, factor: undefined, amountMinor };
  const invoice: Invoice = {
    resourceType: 'Invoice',
    id: invoiceId,
    identifier: [{ system: feeSystem, value: `${appointment.id}/${kind}` }],
    status: 'draft',
    subject: patient as NonNullable<Invoice['subject']>,
    date: at,
    lineItem: [
      {
        sequence: 1,
        chargeItemReference: { reference: `ChargeItem/${chargeItemId}` },
        priceComponent: [toPriceComponent(base, currency)],
      },
    ],
    ...totalsOf([base], currency),
  };
  const item: ChargeItem = {
    resourceType: 'ChargeItem',
    id: chargeItemId,
    status: 'billable',
    code: { coding: [{ system: feeCodeSystem, code: kind, display: texts[kind] }], text: texts[kind] },
    subject: patient as ChargeItem['subject'],
    ...(appointment.start !== undefined && { occurrenceDateTime: appointment.start }),
    quantity: { value: 1 },
    enteredDate: at,
    supportingInformation: [{ reference: `Appointment/${appointment.id}` }],
  };
  return [invoice, item];
}

/** A setting may have more decimals than the currency. */
function minorOf({ policy, currency, settings }: FeeDraft): bigint {
  const oneUnit = readAmount(1, currency) ?? 1n;
  const amount = readDecimal(policy.amount) ?? { digits: 0n, scale: 0 };
  return readAmount(policy.amount, currency) ?? timesRounded(oneUnit, amount, settings['money.rounding']);
}

/** Fees are counted by patients of this clinic. */
function patientOf(appointment: Appointment): Reference | undefined {
  return patientsOfVisit(appointment).find((patient) => localTarget(patient)?.type === 'Patient');
}
