// The names of extensions and code systems that payments read and write (contract.md, 31, 32, 36, 39, 44).

const house = 'https://hpms.example/fhir';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';

export const extensionUrls = {
  type: `${r5}.type`,
  method: `${r5}.method`,
  issuer: `${r5}.paymentIssuer`,
  tendered: `${r5}.tenderedAmount`,
  returned: `${r5}.returnedAmount`,
  drawer: `${house}/StructureDefinition/drawer`,
  refunds: `${house}/StructureDefinition/refunds`,
  netAmount: `${house}/StructureDefinition/net-amount`,
  counted: `${house}/StructureDefinition/counted`,
  variance: `${house}/StructureDefinition/variance`,
  bankFee: `${house}/StructureDefinition/bank-fee`,
  approvedBy: `${house}/StructureDefinition/approved-by`,
} as const;

export const paymentTypeSystem = 'http://terminology.hl7.org/CodeSystem/payment-type';
export const ownPaymentTypeSystem = `${house}/CodeSystem/payment-type`;
export const paymentMethodSystem = 'http://terminology.hl7.org/CodeSystem/v2-0570';
export const ownPaymentMethodSystem = `${house}/CodeSystem/payment-method`;
export const receiptNumberSystem = `${house}/sid/receipt`;
/** Id of the Location that stands for the drawer of payments that name none. */
export const mainDrawerId = 'main-drawer';
