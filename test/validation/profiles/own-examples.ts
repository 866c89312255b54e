// A resource for each profile of fhir-profiles, and changes after which it must be refused: contract.md.

import type { InvoiceLineItemPriceComponent, Money, Resource } from '@medplum/fhirtypes';

const canonical = 'https://hpms.example/fhir';
const own = `${canonical}/StructureDefinition/`;
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation.';

export interface Example {
  readonly valid: Resource;
  /** What is laid over the valid one, and where that must be found wrong. */
  readonly invalid: readonly (readonly [change: object, issue: string])[];
}

const usd = (value: number): Money => ({ value, currency: 'USD' });
const patient = { reference: 'Patient/1' };
const concept = (system: string, code: string) => ({ coding: [{ system, code }] });
const component = (type: InvoiceLineItemPriceComponent['type'], value: number): InvoiceLineItemPriceComponent => ({
  type,
  amount: usd(value),
});

export const paymentType = (code: string, system = 'http://terminology.hl7.org/CodeSystem/payment-type') => ({
  url: `${r5}type`,
  valueCodeableConcept: concept(system, code),
});

const method = {
  url: `${r5}method`,
  valueCodeableConcept: concept('http://terminology.hl7.org/CodeSystem/v2-0570', 'CASH'),
};

const entry = (account: string, value: number) => ({
  url: `${own}entry`,
  extension: [
    { url: 'account', valueReference: { reference: `Account/${account}` } },
    { url: 'amount', valueMoney: usd(value) },
    { url: 'balanceAfter', valueMoney: usd(value) },
    { url: 'seq', valueInteger: 1 },
  ],
});

const ledgerType = { url: `${own}ledger-type`, valueCode: 'PAYMENT' };

export const examples: Readonly<Record<string, Example>> = {
  'hpms-patient': {
    valid: {
      resourceType: 'Patient',
      identifier: [{ system: `${canonical}/sid/patient`, value: 'PAT-2026-00001' }],
      name: [{ family: 'Muster' }],
      birthDate: '1980-02-29',
    },
    invalid: [
      [{ identifier: undefined, name: undefined }, 'invariant Patient'],
      [{ birthDate: '2999-01-01' }, 'invariant Patient'],
      [{ identifier: [{ system: `${canonical}/sid/patient` }] }, 'required Patient.identifier[0].value'],
    ],
  },
  'hpms-appointment': {
    valid: {
      resourceType: 'Appointment',
      status: 'booked',
      start: '2026-11-20T09:00:00Z',
      end: '2026-11-20T09:30:00Z',
      extension: [{ url: `${own}overbook`, extension: [{ url: 'reason', valueString: 'twins' }] }],
      participant: [
        { actor: patient, status: 'accepted' },
        { actor: { reference: 'Practitioner/1' }, status: 'accepted' },
      ],
    },
    invalid: [
      [{ status: 'cancelled' }, 'invariant Appointment'],
      [{ end: '2026-11-20T08:00:00Z' }, 'invariant Appointment'],
      [{ extension: [{ url: `${own}overbook` }] }, 'required Appointment.extension[0].extension'],
      [
        {
          participant: [
            { actor: patient, status: 'accepted' },
            { actor: { reference: 'Patient/2' }, status: 'accepted' },
          ],
        },
        'structure Appointment.participant[1]',
      ],
    ],
  },
  'hpms-encounter': {
    valid: {
      resourceType: 'Encounter',
      status: 'arrived',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      extension: [{ url: `${own}queue-number`, valueInteger: 1 }],
      subject: patient,
      appointment: [{ reference: 'Appointment/1' }],
    },
    invalid: [
      [{ subject: undefined }, 'required Encounter.subject'],
      [{ subject: { reference: 'Group/1' } }, 'structure Encounter.subject'],
      [
        { appointment: [{ reference: 'Appointment/1' }, { reference: 'Appointment/2' }] },
        'structure Encounter.appointment',
      ],
      [{ extension: [{ url: `${own}queue-number`, valueString: '1' }] }, 'structure Encounter.extension[0].value'],
    ],
  },
  'hpms-schedule': {
    valid: {
      resourceType: 'Schedule',
      actor: [{ reference: 'Practitioner/1' }],
      extension: [
        {
          url: `${own}scheduling-parameters`,
          extension: [
            { url: 'timezone', valueCode: 'UTC' },
            { url: 'duration', valueDuration: { value: 30, system: 'http://unitsofmeasure.org', code: 'min' } },
            { url: 'availability', valueTiming: { repeat: { dayOfWeek: ['mon'], timeOfDay: ['09:00:00'] } } },
          ],
        },
      ],
    },
    invalid: [
      [{ actor: [{ reference: 'Practitioner/1' }, { reference: 'Practitioner/2' }] }, 'structure Schedule.actor'],
      [
        { extension: [{ url: `${own}scheduling-parameters`, extension: [{ url: 'timezone', valueCode: 'UTC' }] }] },
        'required Schedule.extension[0].extension',
      ],
      [
        {
          extension: [
            {
              url: `${own}scheduling-parameters`,
              extension: [
                { url: 'availability', valueTiming: {} },
                { url: 'colour', valueString: 'red' },
              ],
            },
          ],
        },
        'structure Schedule.extension[0].extension[1]',
      ],
    ],
  },
  'hpms-slot': {
    valid: {
      resourceType: 'Slot',
      schedule: { reference: 'Schedule/1' },
      status: 'busy-unavailable',
      start: '2026-11-20T09:00:00Z',
      end: '2026-11-20T12:00:00Z',
      extension: [{ url: `${own}leave`, extension: [{ url: 'status', valueCode: 'approved' }] }],
    },
    invalid: [
      [{ status: 'free' }, 'invariant Slot'],
      [{ end: '2026-11-19T09:00:00Z' }, 'invariant Slot'],
      [
        { extension: [{ url: `${own}leave`, extension: [{ url: 'status', valueCode: 'wanted' }] }] },
        'code-invalid Slot.extension[0].extension[0].value',
      ],
    ],
  },
  'hpms-charge-item-definition': {
    valid: {
      resourceType: 'ChargeItemDefinition',
      url: `${canonical}/ChargeItemDefinition/opd`,
      status: 'active',
      extension: [{ url: `${own}practitioner`, valueReference: { reference: 'Practitioner/1' } }],
      propertyGroup: [{ priceComponent: [component('base', 80), { type: 'tax', factor: 0.05 }] }],
    },
    invalid: [
      [
        { propertyGroup: [{ priceComponent: [{ type: 'base', factor: 2 }] }] },
        'invariant ChargeItemDefinition.propertyGroup[0].priceComponent[0]',
      ],
      [
        { propertyGroup: [{ priceComponent: [{ type: 'tax' }] }] },
        'invariant ChargeItemDefinition.propertyGroup[0].priceComponent[0]',
      ],
      [
        { propertyGroup: [{ priceComponent: [component('base', -80)] }] },
        'value ChargeItemDefinition.propertyGroup[0].priceComponent[0].amount.value',
      ],
      [
        { extension: [{ url: `${own}practitioner`, valueReference: { reference: 'Patient/1' } }] },
        'structure ChargeItemDefinition.extension[0].value',
      ],
    ],
  },
  'hpms-charge-item': {
    valid: {
      resourceType: 'ChargeItem',
      status: 'billable',
      code: { text: 'Visit' },
      subject: patient,
      context: { reference: 'Encounter/1' },
      quantity: { value: 1 },
    },
    invalid: [
      [{ subject: { reference: 'Group/1' } }, 'structure ChargeItem.subject'],
      [{ quantity: undefined }, 'invariant ChargeItem'],
      [{ quantity: { value: -1 } }, 'value ChargeItem.quantity.value'],
      [{ definitionCanonical: ['urn:a', 'urn:b'] }, 'structure ChargeItem.definitionCanonical'],
    ],
  },
  'hpms-invoice': {
    valid: {
      resourceType: 'Invoice',
      status: 'issued',
      subject: patient,
      extension: [
        { url: `${own}payment-state`, valueCode: 'partial' },
        { url: `${own}outstanding`, valueMoney: usd(20) },
      ],
      lineItem: [
        {
          chargeItemCodeableConcept: { text: 'Visit' },
          priceComponent: [component('base', 100), component('discount', -10)],
        },
      ],
      totalNet: usd(90),
      totalGross: usd(90),
    },
    invalid: [
      [{ lineItem: undefined }, 'invariant Invoice'],
      [{ totalGross: { value: 90, currency: 'EUR' } }, 'invariant Invoice'],
      [
        { lineItem: [{ chargeItemCodeableConcept: { text: 'x' }, priceComponent: [component('base', -1)] }] },
        'invariant Invoice',
      ],
      [
        { lineItem: [{ chargeItemCodeableConcept: { text: 'x' }, priceComponent: [component('discount', 1)] }] },
        'invariant Invoice',
      ],
      [{ type: concept(`${canonical}/CodeSystem/invoice-type`, 'credit-note') }, 'invariant Invoice'],
      [{ extension: [{ url: `${own}payment-state`, valueCode: 'unpaid' }] }, 'code-invalid Invoice.extension[0].value'],
      [{ totalNet: { value: 90 } }, 'required Invoice.totalNet.currency'],
      [{ subject: { reference: 'Group/1' } }, 'structure Invoice.subject'],
    ],
  },
  'hpms-payment': {
    valid: {
      resourceType: 'PaymentReconciliation',
      status: 'active',
      outcome: 'complete',
      created: '2026-11-20T10:00:00Z',
      paymentDate: '2026-11-20',
      paymentAmount: usd(120),
      extension: [
        paymentType('payment'),
        method,
        { url: `${r5}paymentIssuer`, valueReference: patient },
        { url: `${own}drawer`, valueReference: { reference: 'Location/1' } },
      ],
      detail: [{ type: { text: 'payment' }, request: { reference: 'Invoice/1' }, amount: usd(120) }],
    },
    invalid: [
      [{ extension: undefined }, 'required PaymentReconciliation.extension'],
      [{ extension: [paymentType('gift')] }, 'code-invalid PaymentReconciliation.extension[0].value'],
      [{ paymentAmount: usd(0), detail: undefined }, 'invariant PaymentReconciliation'],
      [{ paymentAmount: usd(100) }, 'invariant PaymentReconciliation'],
      [
        { detail: [{ type: { text: 'x' }, request: { reference: 'Invoice/1' } }] },
        'required PaymentReconciliation.detail[0].amount',
      ],
      [
        { detail: [{ type: { text: 'x' }, request: { reference: 'Patient/1' }, amount: usd(1) }] },
        'structure PaymentReconciliation.detail[0].request',
      ],
    ],
  },
  'hpms-settlement': {
    valid: {
      resourceType: 'PaymentReconciliation',
      status: 'active',
      created: '2026-11-20T20:00:00Z',
      paymentDate: '2026-11-20',
      paymentAmount: usd(120),
      period: { start: '2026-11-20', end: '2026-11-20' },
      extension: [
        paymentType('settlement', `${canonical}/CodeSystem/payment-type`),
        { url: `${own}drawer`, valueReference: { reference: 'Location/1' } },
      ],
      detail: [
        {
          type: { text: 'CASH' },
          extension: [
            { url: `${own}counted`, valueMoney: usd(119) },
            { url: `${own}variance`, valueMoney: usd(-1) },
          ],
        },
      ],
    },
    invalid: [
      [{ period: undefined }, 'required PaymentReconciliation.period'],
      [{ detail: [{ type: { text: 'CASH' } }] }, 'required PaymentReconciliation.detail[0].extension'],
      [
        { extension: [paymentType('payment'), { url: `${own}drawer`, valueReference: { reference: 'Location/1' } }] },
        'value PaymentReconciliation.extension[0].value',
      ],
      [
        { extension: [paymentType('settlement', `${canonical}/CodeSystem/payment-type`)] },
        'required PaymentReconciliation.extension',
      ],
    ],
  },
  'hpms-receipt': {
    valid: {
      resourceType: 'PaymentNotice',
      status: 'active',
      created: '2026-11-20',
      identifier: [{ system: `${canonical}/sid/receipt`, value: 'RCT-2026-00001' }],
      request: { reference: 'Invoice/1' },
      payment: { reference: 'PaymentReconciliation/1' },
      recipient: { display: 'Clinic' },
      amount: usd(120),
    },
    invalid: [
      [{ request: undefined }, 'required PaymentNotice.request'],
      [{ request: { reference: 'Claim/1' } }, 'structure PaymentNotice.request'],
      [{ amount: { value: 1 } }, 'required PaymentNotice.amount.currency'],
    ],
  },
  'hpms-account': {
    valid: {
      resourceType: 'Account',
      status: 'active',
      identifier: [{ system: `${canonical}/sid/gl-account`, value: '1200' }],
      name: 'Receivables of patients',
      extension: [{ url: `${own}opening-balance`, valueMoney: usd(0) }],
    },
    invalid: [
      [{ identifier: undefined }, 'invariant Account'],
      [{ identifier: [{ system: `${canonical}/sid/gl-account` }] }, 'required Account.identifier[0].value'],
      [{ extension: [{ url: `${own}opening-balance`, valueDecimal: 0 }] }, 'structure Account.extension[0].value'],
    ],
  },
  'hpms-ledger-transaction': {
    valid: {
      resourceType: 'Basic',
      code: concept(`${canonical}/CodeSystem/basic-code`, 'ledger-transaction'),
      created: '2026-11-20',
      subject: patient,
      extension: [ledgerType, entry('1', 120), entry('2', -120)],
    },
    invalid: [
      [{ extension: [ledgerType, entry('1', 120), entry('2', -119)] }, 'invariant Basic'],
      [{ extension: [ledgerType, entry('1', 0)] }, 'required Basic.extension'],
      [{ code: { text: 'ledger' } }, 'value Basic.code'],
      [
        { extension: [{ ...ledgerType, valueCode: 'GIFT' }, entry('1', 1), entry('2', -1)] },
        'code-invalid Basic.extension[0].value',
      ],
      [{ created: undefined }, 'required Basic.created'],
    ],
  },
  'hpms-claim': {
    valid: {
      resourceType: 'Claim',
      status: 'active',
      use: 'claim',
      type: { text: 'professional' },
      patient,
      created: '2026-11-20',
      provider: { display: 'Clinic' },
      priority: { text: 'normal' },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/1' } }],
      extension: [{ url: `${own}claim-lifecycle`, valueCode: 'SUBMITTED' }],
    },
    invalid: [
      [{ extension: [{ url: `${own}claim-lifecycle`, valueCode: 'LOST' }] }, 'code-invalid Claim.extension[0].value'],
      [{ total: { value: 1 } }, 'required Claim.total.currency'],
      [{ extension: [{ url: `${own}payment-percentage`, valueString: '50' }] }, 'structure Claim.extension[0].value'],
    ],
  },
  'hpms-audit-event': {
    valid: {
      resourceType: 'AuditEvent',
      type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
      subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'create' }],
      action: 'C',
      recorded: '2026-11-20T10:00:00Z',
      outcome: '0',
      agent: [{ who: { display: 'Somebody' }, requestor: true }],
      source: { observer: { display: 'HPMS' } },
      entity: [
        {
          what: { reference: 'Patient/1' },
          role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: '4' },
        },
      ],
    },
    invalid: [
      [{ subtype: undefined }, 'required AuditEvent.subtype'],
      [{ agent: [{ requestor: true }] }, 'required AuditEvent.agent[0].who'],
      [{ agent: [{ who: { display: 'Somebody' }, requestor: false }] }, 'invariant AuditEvent'],
      [{ entity: [{ role: { code: '4' } }] }, 'invariant AuditEvent.entity[0]'],
      [{ outcome: undefined }, 'required AuditEvent.outcome'],
    ],
  },
};
