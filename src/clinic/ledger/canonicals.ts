// The names below HPMS's canonical base that the ledger writes (contract.md 41 to 43).

const base = 'https://hpms.example/fhir';

export const extensionUrls = {
  ledgerType: `${base}/StructureDefinition/ledger-type`,
  source: `${base}/StructureDefinition/source`,
  reverses: `${base}/StructureDefinition/reverses`,
  entry: `${base}/StructureDefinition/entry`,
  openingBalance: `${base}/StructureDefinition/opening-balance`,
  closingBalance: `${base}/StructureDefinition/closing-balance`,
  /** Of Invoices and payments, as verification reads them. */
  outstanding: `${base}/StructureDefinition/outstanding`,
  drawer: `${base}/StructureDefinition/drawer`,
  refunds: `${base}/StructureDefinition/refunds`,
  paymentType: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation.type',
  /** R5's, of an Account. */
  balance: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Account.balance',
} as const;

export const basicCodeSystem = `${base}/CodeSystem/basic-code`;
export const ledgerTransactionCode = 'ledger-transaction';
