// Unusual shapes of resources that R4 allows: https://hl7.org/fhir/R4/json.html

import { why } from '../invalid-resources/row.ts';
import { each, exact, type UnusualRow } from './row.ts';

const url = 'http://example.org/x';
const xmlns = 'xmlns="http://www.w3.org/1999/xhtml"';
const at = '2026-11-20T10:30:00Z';
const text = { text: 'x' };
const organization = { resourceType: 'Organization', id: 'o', name: 'x' };
const ids = { id: 'a' };

export const shapes: readonly UnusualRow[] = [
  ['Patient', {}],
  ['Patient', { _birthDate: why }],
  ['Patient', { birthDate: '2026', _birthDate: ids }],
  ['Patient', { _active: why, _gender: { id: 'g', ...why } }],
  ['Patient', { name: [{ given: ['a', null, 'c'], _given: [null, why, ids] }] }],
  ['Patient', { name: [{ given: [null, null], _given: [why, why] }] }],
  ['Patient', { name: [{ given: ['a'], _given: [ids] }] }],
  ['Patient', { name: [{ given: [null, 'b'], _given: [why, null] }] }],
  ['Patient', { name: [{ given: ['a', 'b', 'c'], _given: [null, null, why] }] }],
  ['Patient', { name: [{ _family: why }] }],
  ['Patient', { name: [{ extension: [{ url, valueBoolean: true }] }] }],
  [
    'Patient',
    {
      name: [
        { id: 'n1', text: 'x' },
        { id: 'n2', use: 'old' },
      ],
    },
  ],
  ['Patient', { name: [{ family: 'x', _family: { extension: [{ url, valueString: 'von' }] } }] }],
  ['Patient', { deceasedBoolean: false }],
  ['Patient', { deceasedBoolean: true, _deceasedBoolean: ids }],
  ['Patient', { _deceasedDateTime: why }],
  ['Patient', { multipleBirthInteger: -3 }],
  ['Patient', { maritalStatus: { coding: [{ display: 'x' }] } }],
  [
    'Patient',
    {
      meta: {
        versionId: '1',
        lastUpdated: at,
        source: '#a',
        profile: [url, `${url}|1`],
        tag: [{ code: 'x' }],
        security: [{ code: 'R' }],
      },
    },
  ],
  ['Patient', { meta: { extension: [{ url, valueCode: 'x' }] } }],
  ['Patient', { meta: { profile: [null, url], _profile: [why, null] } }],
  ['Patient', { implicitRules: 'http://example.org/rules', _implicitRules: ids }],
  ['Patient', { link: [{ other: { reference: 'RelatedPerson/1' }, type: 'seealso' }] }],
  ['Patient', { link: [{ other: { reference: 'Patient/1/_history/3' }, type: 'refer' }] }],
  ['Patient', { contact: [{ modifierExtension: [{ url, valueBoolean: true }], name: { text: 'x' } }] }],
  ['Patient', { modifierExtension: [{ url, valueCode: 'x' }] }],
  [
    'Patient',
    {
      extension: [
        {
          url,
          extension: [
            { url: 'a', valueString: 'x' },
            { url: 'b', extension: [{ url: 'c', valueInteger: 1 }] },
          ],
        },
      ],
    },
  ],
  [
    'Patient',
    {
      extension: [
        { url, valueString: 'a' },
        { url, valueString: 'b' },
      ],
    },
  ],
  ['Patient', { extension: [{ url: 'urn:oid:1.2.3', valueBoolean: false }] }],
  ['Patient', { extension: [{ url, _valueString: why }] }],
  ['Patient', { extension: [{ url, id: 'e', valueReference: { display: 'x' } }] }],
  ...each('Patient', (value) => ({ extension: [{ url, ...(value as object) }] }), [
    { valueBase64Binary: 'AAAA' },
    { valueCanonical: `${url}|1` },
    { valueDate: '2026' },
    { valueDateTime: '2026-11' },
    { valueDecimal: exact('1.50') },
    { valueId: 'a-b.c' },
    { valueInstant: at },
    { valueMarkdown: '*x*' },
    { valueOid: 'urn:oid:1.2.3' },
    { valuePositiveInt: 1 },
    { valueTime: '10:00:00' },
    { valueUnsignedInt: 0 },
    { valueUri: 'urn:x:y' },
    { valueUrl: 'http://example.org' },
    { valueUuid: 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d' },
    { valueAddress: { line: ['a', 'b'], period: { end: '2026' } } },
    { valueAge: { value: 3, system: 'http://unitsofmeasure.org', code: 'a' } },
    { valueAnnotation: { text: 'x', authorString: 'y' } },
    { valueAttachment: { contentType: 'image/png', data: 'AAAA', size: 3 } },
    { valueCodeableConcept: text },
    { valueCoding: { userSelected: false } },
    { valueContactPoint: { system: 'sms', value: '1', rank: 1 } },
    { valueCount: { value: 3, system: 'http://unitsofmeasure.org', code: '1' } },
    { valueDistance: { value: 3, system: 'http://unitsofmeasure.org', code: 'km' } },
    { valueDuration: { value: 3, system: 'http://unitsofmeasure.org', code: 'min' } },
    { valueHumanName: { prefix: ['a'], suffix: ['b'] } },
    { valueIdentifier: { type: text, value: 'x' } },
    { valueMoney: { value: exact('0.00'), currency: 'USD' } },
    { valuePeriod: { start: '2026' } },
    { valueRange: { low: { value: 1 } } },
    { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } },
    { valueSampledData: { origin: { value: 0 }, period: 1, dimensions: 1, data: 'E 1 U' } },
    { valueSignature: { type: [{ code: 'x' }], when: at, who: { display: 'x' } } },
    { valueTiming: { repeat: { boundsPeriod: { start: '2026' }, dayOfWeek: ['mon'], timeOfDay: ['09:00:00'] } } },
    { valueContactDetail: { telecom: [{ value: '1', system: 'phone' }] } },
    { valueContributor: { type: 'author', name: 'x' } },
    { valueDataRequirement: { type: 'Patient' } },
    { valueExpression: { language: 'text/fhirpath', expression: 'true' } },
    { valueParameterDefinition: { use: 'in', type: 'string' } },
    { valueRelatedArtifact: { type: 'citation' } },
    { valueTriggerDefinition: { type: 'named-event', name: 'x' } },
    { valueUsageContext: { code: { code: 'x' }, valueCodeableConcept: text } },
    { valueDosage: { text: 'x', asNeededBoolean: true } },
    { valueMeta: { tag: [{ code: 'x' }] } },
  ]),
  ['Patient', { contained: [organization], managingOrganization: { reference: '#o' } }],
  [
    'Patient',
    {
      contained: [
        { ...organization, partOf: { reference: '#p' } },
        { ...organization, id: 'p' },
      ],
      managingOrganization: { reference: '#o' },
    },
  ],
  [
    'Observation',
    {
      contained: [
        {
          resourceType: 'Provenance',
          id: 'p',
          target: [{ reference: '#' }],
          recorded: at,
          agent: [{ who: { display: 'x' } }],
        },
      ],
    },
  ],
  ['Observation', { subject: { reference: 'http://example.org/fhir/Patient/1' } }],
  ['Observation', { subject: { reference: 'http://example.org/Patient/1/_history/2' } }],
  ['Observation', { subject: { reference: 'https://example.org/some/page?id=1' } }],
  ['Observation', { subject: { reference: 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d' } }],
  ['Observation', { subject: { reference: 'urn:oid:1.2.3' } }],
  [
    'Bundle',
    {
      type: 'transaction',
      entry: [
        {
          resource: { resourceType: 'Basic', code: { text: 'x' }, subject: { reference: 'Patient?identifier=a|b' } },
          request: { method: 'POST', url: 'Basic' },
        },
      ],
    },
  ],
  [
    'Parameters',
    { parameter: [{ name: 'value', valueReference: { reference: 'Patient?identifier=a|b', type: 'Patient' } }] },
  ],
  ['Observation', { subject: { type: 'Patient', identifier: { value: 'x' } } }],
  ['Observation', { subject: { display: 'x' } }],
  ['Observation', { subject: why }],
  ['Observation', { subject: { reference: 'Device/1', type: 'Device', display: 'x' } }],
  ['Observation', { focus: [{ reference: 'Basic/1' }, { reference: 'Task/2' }] }],
  ['Observation', { status: undefined, _status: why }],
  ['Observation', { valueQuantity: undefined, dataAbsentReason: text }],
  ['Observation', { valueQuantity: undefined, valueBoolean: false }],
  ['Observation', { valueQuantity: undefined, valueTime: '00:00:00' }],
  ['Observation', { valueQuantity: undefined, valuePeriod: { extension: [{ url, valueCode: 'x' }] } }],
  ['Observation', { valueQuantity: undefined, _valueString: why }],
  ['Observation', { valueQuantity: { value: 1, unit: 'handful' } }],
  ['Observation', { valueQuantity: { value: 1, system: 'http://snomed.info/sct', code: '385049006' } }],
  ['Observation', { valueQuantity: { comparator: '<', value: exact('0.50') } }],
  ['Observation', { component: [{ code: text, valueRange: { low: { value: 1 }, high: { value: 1 } } }] }],
  ['Observation', { effectiveTiming: { event: ['2026', at] } }],
  ['Observation', { effectiveInstant: at }],
  ['Observation', { referenceRange: [{ text: 'x', appliesTo: [text], age: { low: { value: 18 } } }] }],
  ['Observation', { note: [{ authorReference: { display: 'x' }, time: at, text: 'x' }] }],
  [
    'Observation',
    { bodySite: { coding: [{ system: 'http://snomed.info/sct', code: '1', version: 'x', display: ' x ' }] } },
  ],
  ...each('Patient', (div) => ({ text: { status: 'generated', div } }), [
    `<div ${xmlns}>x</div>`,
    `<div ${xmlns} lang="de" xml:lang="de">ä</div>`,
    `<div ${xmlns}><img src="#pic" alt="x"/></div>`,
    `<div ${xmlns}><img src="data:image/png;base64,AAAA" alt="x"/></div>`,
    `<div ${xmlns}><p class='a' style="color: red">x</p><br/><hr/></div>`,
    `<div ${xmlns}><table border="1"><thead><tr><th colspan="2">a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table></div>`,
    `<div ${xmlns}><a href="http://example.org/?a=b&amp;c=d">x</a><a name="y"/></div>`,
    `<div ${xmlns}>&lt;script&gt; &#160;&#xe4;&quot;&apos;&amp;</div>`,
    `<div ${xmlns}><!-- a comment -->x</div>`,
    `<div ${xmlns}><ul><li>a</li></ul><ol><li>b</li></ol><dl><dt>c</dt><dd>d</dd></dl></div>`,
    `<div ${xmlns}><pre>a\n b</pre><code>c</code><kbd>d</kbd><samp>e</samp><var>f</var></div>`,
    `<div ${xmlns}><h1>a</h1><h6>b</h6><blockquote cite="http://example.org"><q>c</q></blockquote></div>`,
    `<div ${xmlns}><b>a</b><i>b</i><em>c</em><strong>d</strong><small>e</small><big>f</big><tt>g</tt><sub>h</sub><sup>i</sup></div>`,
    `<div ${xmlns}><map name="m"><area shape="rect" coords="0,0,1,1" href="#x" alt="y"/></map>x</div>`,
    `<div ${xmlns}><abbr title="x">a</abbr><acronym>b</acronym><cite>c</cite><dfn>d</dfn><address>e</address><bdo dir="rtl">f</bdo></div>`,
    `<div ${xmlns}\n  class="x"  >\n  a\n</div>`,
    `<div ${xmlns}>a > b</div>`,
    `<div ${xmlns}>\u{1f600}</div>`,
    `<div ${xmlns}><p ${xmlns}>x</p></div>`,
    `<div ${xmlns}><a href="mailto:a@example.org">x</a><a href="javascript.html">y</a></div>`,
  ]),
  [
    'Patient',
    { text: { id: 't', status: 'additional', div: `<div ${xmlns}>x</div>`, extension: [{ url, valueCode: 'x' }] } },
  ],
  ['Binary', { securityContext: { reference: 'Patient/1' } }],
  ['Basic', { code: { extension: [{ url, valueCode: 'x' }] } }],
  ['Basic', { code: { coding: [{ code: 'a' }, { code: 'b', system: 'urn:x' }], text: ' ' } }],
  [
    'Bundle',
    {
      entry: [
        {
          fullUrl: 'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d',
          resource: { resourceType: 'Patient', contained: [organization], managingOrganization: { reference: '#o' } },
        },
      ],
    },
  ],
  [
    'Bundle',
    {
      type: 'transaction',
      entry: [
        { request: { method: 'GET', url: 'Patient?name=a&_count=1' } },
        { request: { method: 'DELETE', url: 'Patient/1' } },
      ],
    },
  ],
  [
    'Bundle',
    {
      type: 'batch-response',
      entry: [
        { response: { status: '201 Created', location: 'Patient/1/_history/1', etag: 'W/"1"', lastModified: at } },
      ],
    },
  ],
  ['Bundle', { type: 'searchset', total: 0 }],
  [
    'Bundle',
    {
      type: 'searchset',
      total: 1,
      entry: [
        {
          fullUrl: 'http://example.org/fhir/Basic/1',
          resource: { resourceType: 'Basic', id: '1', code: text },
          search: { mode: 'match', score: 1 },
        },
      ],
    },
  ],
  ['Bundle', { type: 'history' }],
  ['Parameters', { parameter: undefined }],
  [
    'Parameters',
    {
      parameter: [
        {
          name: 'a',
          part: [
            { name: 'b', resource: { resourceType: 'Patient' } },
            { name: 'c', valueMeta: { versionId: '1' } },
          ],
        },
      ],
    },
  ],
  ['Parameters', { parameter: [{ name: 'a', _valueString: why }] }],
  [
    'OperationOutcome',
    { issue: [{ severity: 'information', code: 'informational', location: ['/f:Patient'], expression: ['Patient'] }] },
  ],
  [
    'Condition',
    {
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }],
      },
      abatementString: 'x',
      verificationStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'refuted' }],
      },
    },
  ],
  [
    'Condition',
    {
      clinicalStatus: {
        coding: [
          { system: 'urn:x', code: 'y' },
          { system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'relapse' },
        ],
      },
    },
  ],
  ['Condition', { onsetRange: { low: { value: 1 }, high: { value: 2 } } }],
  ['Condition', { onsetAge: { value: exact('3.0'), unit: 'a', system: 'http://unitsofmeasure.org', code: 'a' } }],
  [
    'MedicationRequest',
    {
      medicationCodeableConcept: undefined,
      medicationReference: { reference: '#m' },
      contained: [{ resourceType: 'Medication', id: 'm' }],
    },
  ],
  [
    'MedicationRequest',
    {
      dosageInstruction: [
        { asNeededCodeableConcept: text, maxDosePerPeriod: { numerator: { value: 1 }, denominator: { value: 1 } } },
      ],
    },
  ],
  ['Encounter', { class: { display: 'x' } }],
  ['Encounter', { length: { value: 90, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' } }],
  ['Location', { position: { longitude: exact('-0.127800'), latitude: exact('51.50740'), altitude: 0 } }],
  ['Group', { type: 'device', characteristic: [{ code: text, valueBoolean: false, exclude: true }] }],
  [
    'Questionnaire',
    {
      item: [
        {
          linkId: '1',
          type: 'group',
          item: [{ linkId: '1.1', type: 'group', item: [{ linkId: '1.1.1', type: 'display', text: 'x' }] }],
        },
      ],
    },
  ],
  [
    'QuestionnaireResponse',
    {
      item: [
        {
          linkId: '1',
          answer: [{ valueDecimal: exact('1.0'), item: [{ linkId: '1.a', answer: [{ valueBoolean: false }] }] }],
        },
      ],
    },
  ],
  ['Composition', { section: [{ title: 'a', section: [{ title: 'b', entry: [{ reference: 'Patient/1' }] }] }] }],
  ['CodeSystem', { concept: [{ code: 'a', concept: [{ code: 'b', property: [{ code: 'p', valueInteger: 0 }] }] }] }],
  ['ValueSet', { compose: { include: [{ valueSet: [`${url}|1`] }] } }],
  ['ValueSet', { expansion: { timestamp: '2026', total: 0 } }],
  ['AuditEvent', { entity: [{ query: 'UGF0aWVudD9uYW1lPWE=', what: { identifier: { value: 'x' } } }] }],
  [
    'Provenance',
    {
      signature: [
        {
          type: [{ code: 'x' }],
          when: at,
          who: { reference: 'Practitioner/1' },
          data: 'AAAA',
          sigFormat: 'application/jose',
        },
      ],
    },
  ],
  [
    'Invoice',
    {
      lineItem: [
        {
          chargeItemCodeableConcept: text,
          priceComponent: [{ type: 'tax', factor: exact('0.190'), amount: { value: exact('19.00'), currency: 'EUR' } }],
        },
      ],
    },
  ],
  ['Invoice', { totalGross: { value: exact('-20.00'), currency: 'EUR' } }],
  ['PaymentReconciliation', { paymentAmount: { value: exact('0.10'), currency: 'JPY' } }],
  [
    'Claim',
    { item: [{ sequence: 1, productOrService: text, servicedDate: '2026-11', unitPrice: { value: exact('1.10') } }] },
  ],
  [
    'Task',
    {
      input: [{ type: text, valueReference: { reference: 'Basic/1' } }],
      output: [{ type: text, valueMoney: { value: 1 } }],
    },
  ],
  ['Task', { focus: { reference: 'Invoice/1' }, restriction: { period: { end: '2026' } } }],
  ['Schedule', { planningHorizon: { start: '2026', end: '2026' }, comment: ' ' }],
  [
    'Appointment',
    {
      participant: [
        { actor: { reference: 'HealthcareService/1' }, status: 'needs-action', required: 'information-only' },
      ],
    },
  ],
  ['Appointment', { status: 'waitlist', requestedPeriod: [{ start: '2026' }, { end: '2027' }], minutesDuration: 1 }],
  ['Device', { udiCarrier: [{ carrierHRF: '(01)00844588003288', deviceIdentifier: '00844588003288' }] }],
  ['Immunization', { occurrenceDateTime: undefined, occurrenceString: 'as a child' }],
  ['Goal', { startCodeableConcept: text, target: [{ measure: text, detailInteger: -1 }] }],
  ['RiskAssessment', { prediction: [{ outcome: text, probabilityDecimal: exact('0.50') }] }],
  ['SupplyRequest', { parameter: [{ code: text, valueBoolean: false }] }],
  ['Endpoint', { address: 'mailto:a@example.org', header: ['a: b'] }],
  [
    'StructureDefinition',
    {
      type: 'http://example.org/Logical',
      kind: 'logical',
      derivation: 'specialization',
      context: undefined,
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Element',
      differential: { element: [{ path: 'Logical', id: 'Logical', definition: 'x', min: 0, max: '*' }] },
    },
  ],
];
