// Which revenue account of the chart a line belongs to, by what it charges (domain.md 3.1, S4-K2).

import type { ChargeItem, Invoice, Reference } from '@medplum/fhirtypes';
import { feeCodeSystem, invoiceTypeSystem } from './canonicals.ts';
import { localTarget } from './local-target.ts';

const consultation = '4000';
const pharmacy = '4010';
const laboratory = '4020';
const optical = '4030';
const other = '4090';

/** By the type of the service or product a ChargeItem points at; whatever is not here is what happens in a visit. */
const accountByType: Readonly<Record<string, string>> = {
  MedicationDispense: pharmacy,
  MedicationAdministration: pharmacy,
  MedicationRequest: pharmacy,
  Medication: pharmacy,
  Substance: pharmacy,
  DiagnosticReport: laboratory,
  Observation: laboratory,
  Specimen: laboratory,
  ServiceRequest: laboratory,
  Device: optical,
  DeviceRequest: optical,
  VisionPrescription: optical,
  ImagingStudy: other,
  SupplyDelivery: other,
};

const accountByInvoiceType: Readonly<Record<string, string>> = { pharmacy, laboratory, optical };

export function revenueAccountOf(invoice: Invoice, item: ChargeItem | undefined): string {
  const fee = item?.code.coding?.some(({ system }) => system === feeCodeSystem) ?? false;
  if (fee) return other;
  const charged: (Reference | undefined)[] = [...(item?.service ?? []), item?.productReference];
  for (const reference of charged) {
    const account = accountByType[localTarget(reference)?.type ?? reference?.type ?? ''];
    if (account !== undefined) return account;
  }
  return accountByInvoiceType[ownType(invoice) ?? ''] ?? consultation;
}

function ownType({ type }: Invoice): string | undefined {
  return type?.coding?.find(({ system }) => system === invoiceTypeSystem)?.code;
}
