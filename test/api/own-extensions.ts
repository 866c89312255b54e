// The extensions that this project's own search parameters read, with values of two families: see capabilities-samples.ts.

interface Extension {
  readonly url: string;
  readonly [member: string]: unknown;
}

const own = 'https://hpms.example/fhir/StructureDefinition/';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation.';

const makers: Readonly<Record<string, (family: 0 | 1) => readonly Extension[]>> = {
  Basic: (family) => [
    { url: `${own}entry`, extension: [{ url: 'account', ...referenceTo('Account', family) }] },
    { url: `${own}source`, ...referenceTo('Invoice', family) },
    { url: `${own}ledger-type`, valueCode: ['payment', 'refund'][family] },
  ],
  ChargeItemDefinition: (family) => [{ url: `${own}practitioner`, ...referenceTo('Practitioner', family) }],
  Claim: (family) => [{ url: `${own}claim-lifecycle`, valueCode: ['submitted', 'paid'][family] }],
  Encounter: (family) => [{ url: `${own}queue-order`, valueInteger: 7 + family }],
  Invoice: (family) => [
    { url: `${own}payment-state`, valueCode: ['partial', 'paid'][family] },
    { url: `${own}corrects`, ...referenceTo('Invoice', family) },
  ],
  PaymentReconciliation: (family) => [
    { url: `${r5}type`, ...concept(['payment', 'refund'][family]) },
    { url: `${r5}method`, ...concept(['CASH', 'CARD'][family]) },
    { url: `${r5}paymentIssuer`, ...referenceTo('Patient', family) },
    { url: `${own}refunds`, ...referenceTo('PaymentReconciliation', family) },
  ],
};

/** None for most types. References are to `Type/r0` and `Type/r1`. */
export function ownExtensions(type: string, family: 0 | 1): readonly Extension[] {
  return makers[type]?.(family) ?? [];
}

function referenceTo(type: string, family: 0 | 1) {
  return { valueReference: { reference: `${type}/r${family}` } };
}

function concept(code: string | undefined) {
  return { valueCodeableConcept: { coding: [{ system: 'urn:walk:own', code }] } };
}
