// The visit types of the demo clinic and what they cost (contract.md 22).

import type {
  ChargeItemDefinition,
  ChargeItemDefinitionPropertyGroupPriceComponent,
  CodeSystem,
  Money,
} from '@medplum/fhirtypes';

const canonical = 'https://hpms.example/fhir';

/** What `Appointment.appointmentType` says here, each beside the code that HL7 version 2 has for it. */
const visitTypeTable = {
  opd: { display: 'Outpatient consultation', standard: 'ROUTINE' },
  'follow-up': { display: 'Follow-up visit', standard: 'FOLLOWUP' },
  emergency: { display: 'Emergency visit', standard: 'EMERGENCY' },
} as const;

type VisitType = keyof typeof visitTypeTable;

export const visitTypes: CodeSystem = {
  resourceType: 'CodeSystem',
  id: 'visit-type',
  url: `${canonical}/CodeSystem/visit-type`,
  version: '1',
  name: 'VisitType',
  title: 'Visit types of a clinic',
  status: 'active',
  experimental: false,
  caseSensitive: true,
  content: 'complete',
  count: 3,
  concept: Object.entries(visitTypeTable).map(([code, { display }]) => ({ code, display })),
};

const hospitalFee = (amount: number): ChargeItemDefinitionPropertyGroupPriceComponent => ({
  type: 'surcharge',
  code: { text: 'hospital-fee' },
  amount: usd(amount),
});
const vat: ChargeItemDefinitionPropertyGroupPriceComponent = { type: 'tax', code: { text: 'VAT' }, factor: 0.05 };

export const demoPrices: readonly ChargeItemDefinition[] = [
  price({ id: 'price-opd', visitType: 'opd', components: [base(80), hospitalFee(15)] }),
  price({
    id: 'price-opd-dr-amara-osei',
    visitType: 'opd',
    practitioner: 'Practitioner/dr-amara-osei',
    components: [base(120), hospitalFee(15), vat],
  }),
  price({ id: 'price-follow-up', visitType: 'follow-up', components: [base(40)] }),
  price({ id: 'price-emergency', visitType: 'emergency', components: [base(150), vat] }),
];

interface Price {
  readonly id: string;
  readonly visitType: VisitType;
  /** The only one whose visits have this price. */
  readonly practitioner?: string;
  readonly components: ChargeItemDefinitionPropertyGroupPriceComponent[];
}

function price({ id, visitType, practitioner, components }: Price): ChargeItemDefinition {
  const { display, standard } = visitTypeTable[visitType];
  return {
    resourceType: 'ChargeItemDefinition',
    id,
    ...(practitioner === undefined
      ? {}
      : {
          extension: [
            { url: `${canonical}/StructureDefinition/practitioner`, valueReference: { reference: practitioner } },
          ],
        }),
    url: `${canonical}/ChargeItemDefinition/${id}`,
    title: display,
    status: 'active',
    code: {
      coding: [
        { system: `${canonical}/CodeSystem/visit-type`, code: visitType, display },
        { system: 'http://terminology.hl7.org/CodeSystem/v2-0276', code: standard },
      ],
      text: display,
    },
    effectivePeriod: { start: '2020-01-01' },
    propertyGroup: [{ priceComponent: components }],
  };
}

function base(amount: number): ChargeItemDefinitionPropertyGroupPriceComponent {
  return { type: 'base', amount: usd(amount) };
}

function usd(value: number): Money {
  return { value, currency: 'USD' };
}
