// Random resources of many types whose values come from small pools, so that searches for one of them find others too.

import type { Resource } from '@medplum/fhirtypes';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';

/** Takes one of several, as a random source has it. */
export type Pick = <T>(items: readonly T[]) => T;

type Members = Readonly<Record<string, unknown>>;
type Maker = (pick: Pick) => Members;

const loinc = 'http://loinc.org';
const ucum = 'http://unitsofmeasure.org';
const systems = [loinc, 'urn:x', 'urn:x|y', undefined];
const codes = ['a', 'A', 'b', 'c', 'a|b', 'x,y', '1\\2', '8867-4'];
const displays = ['Heart rate', 'Héart beat', 'Body weight', undefined];
export const moments = [
  '2019',
  '2020-02',
  '2020-02-29',
  '2020-02-29T23:30:00-05:00',
  '2020-03-01T04:30:00Z',
  '2020-03-01T04:30:00.001Z',
  '2020-12-31T23:59:59.999Z',
  '2021-01-01',
  '2021-06-15T12:00:00+02:00',
];
const instants = moments.filter((moment) => moment.includes('T'));
const families = [
  'Żółkiewska',
  "O'Neil",
  'Smith-Jones',
  'Müller',
  'Muller',
  'Straßer',
  'Sørensen',
  'Maximilianson',
  'Maximiliansen',
  'Ὀδυσσεύς',
  'Fiﬁ İpek',
  '李小龙',
  'Mu\u0308ller',
];
const givens = ['Anna', 'Ann', 'Annabel', 'Élise', 'Jan Peter', 'Maria', 'Bartholomew'];
const words = ['General Hospital', 'St. Mary’s Clinic', 'Général', 'Ward a|b, 3$', 'North Wing', 'Hospital North'];
const urls = [
  'http://acme.org/fhir/ValueSet/1',
  'http://acme.org/fhir/ValueSet/1/history/2',
  'http://acme.org/fhir/ValueSet/2',
  'http://acme.org/fhir',
  'http://acme.org/other/3',
  'http://other.org/fhir/A',
  'http://other.org/fhir/a',
  'urn:oid:1.2.3.4',
  'urn:oid:1.2.3.4.5',
];
const profiles = [
  'http://acme.org/fhir/StructureDefinition/p',
  'http://acme.org/fhir/StructureDefinition/p|1.0',
  'urn:profile:1',
];

/** With the number of each type; ids are `type-1` and so on. */
export const counts = {
  Organization: 12,
  Practitioner: 16,
  Location: 24,
  Patient: 80,
  Encounter: 60,
  Appointment: 60,
  Condition: 60,
  Observation: 150,
  MedicationRequest: 50,
  RiskAssessment: 40,
  Questionnaire: 40,
  ValueSet: 24,
  List: 4,
} as const;

export type AgreementType = keyof typeof counts;

export function idOf(type: AgreementType, index: number): string {
  return `${type.toLowerCase()}-${index + 1}`;
}

/** One of many possible resources of the type. */
export function makeResource(type: AgreementType, id: string, pick: Pick): Resource {
  return { resourceType: type, id, ...common(pick), ...makers[type](pick) } as Resource;
}

function common(pick: Pick): Members {
  return {
    ...maybe(pick, 'meta', () => ({
      ...maybe(pick, 'tag', () => [coding(pick)]),
      ...maybe(pick, 'security', () => [coding(pick)]),
      ...maybe(pick, 'profile', () => [pick(profiles)]),
      ...maybe(pick, 'source', () => pick(urls)),
    })),
    ...maybe(pick, 'text', () => ({
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${pick(words)}</p><b>${pick(givens)}</b></div>`,
    })),
  };
}

const makers: Readonly<Record<AgreementType, Maker>> = {
  Organization: (pick) => ({
    ...identified(pick),
    ...maybe(pick, 'active', () => pick([true, false])),
    name: pick(words),
    ...maybe(pick, 'alias', () => [pick(words), pick(families)]),
    ...maybe(pick, 'type', () => [concept(pick)]),
    // org-2
    ...maybe(pick, 'address', () => [{ ...address(pick), use: pick(['work', 'temp']) }]),
    ...maybe(pick, 'partOf', () => reference(pick, 'Organization')),
  }),
  Practitioner: (pick) => ({
    ...identified(pick),
    ...person(pick),
    ...maybe(pick, 'communication', () => [concept(pick)]),
  }),
  Location: (pick) => ({
    ...identified(pick),
    ...maybe(pick, 'status', () => pick(['active', 'suspended', 'inactive'])),
    name: pick(words),
    ...maybe(pick, 'type', () => [concept(pick)]),
    ...maybe(pick, 'address', () => address(pick)),
    ...maybe(pick, 'position', () => pick(positions)),
    ...maybe(pick, 'managingOrganization', () => reference(pick, 'Organization')),
    ...maybe(pick, 'partOf', () => reference(pick, 'Location')),
  }),
  Patient: (pick) => ({
    ...identified(pick),
    ...person(pick),
    ...pick([{}, {}, { deceasedBoolean: true }, { deceasedBoolean: false }, { deceasedDateTime: pick(moments) }]),
    ...maybe(pick, 'generalPractitioner', () => [reference(pick, pick(['Practitioner', 'Organization'] as const))]),
    ...maybe(pick, 'managingOrganization', () => reference(pick, 'Organization')),
    ...maybe(pick, 'communication', () => [
      { language: { coding: [{ system: 'urn:ietf:bcp:47', code: pick(['de-CH', 'fr', 'pl']) }] } },
    ]),
    ...maybe(pick, 'link', () => [{ other: reference(pick, 'Patient'), type: 'seealso' }]),
  }),
  Encounter: (pick) => ({
    ...identified(pick),
    status: pick(['planned', 'in-progress', 'finished']),
    class: coding(pick),
    ...maybe(pick, 'type', () => [concept(pick), concept(pick)]),
    subject: reference(pick, 'Patient'),
    ...maybe(pick, 'period', () => period(pick)),
    ...maybe(pick, 'length', () => ({ ...pick(quantities.filter(({ code }) => ['min', 'h'].includes(String(code)))) })),
    ...maybe(pick, 'participant', () => [{ individual: reference(pick, 'Practitioner'), type: [concept(pick)] }]),
    ...maybe(pick, 'location', () => [
      { location: reference(pick, 'Location'), period: period(pick) },
      { location: reference(pick, 'Location'), period: period(pick) },
    ]),
    ...maybe(pick, 'serviceProvider', () => reference(pick, 'Organization')),
    ...maybe(pick, 'partOf', () => reference(pick, 'Encounter')),
  }),
  Appointment: (pick) => ({
    ...identified(pick),
    // None that would hold the time of a practitioner.
    status: pick(['proposed', 'waitlist', 'cancelled', 'noshow']),
    start: pick(instants),
    end: '2022-01-01T00:00:00Z',
    ...maybe(pick, 'appointmentType', () => concept(pick)),
    ...maybe(pick, 'serviceType', () => [concept(pick)]),
    ...maybe(pick, 'reasonCode', () => [concept(pick)]),
    ...maybe(pick, 'reasonReference', () => [reference(pick, 'Condition')]),
    participant: [
      { actor: reference(pick, 'Patient'), status: pick(['accepted', 'declined']) },
      { actor: reference(pick, pick(['Practitioner', 'Location'] as const)), status: pick(['accepted', 'tentative']) },
    ],
  }),
  Condition: (pick) => ({
    ...identified(pick),
    code: concept(pick),
    subject: subject(pick),
    ...maybe(pick, 'severity', () => concept(pick)),
    ...maybe(pick, 'bodySite', () => [concept(pick), concept(pick)]),
    ...maybe(pick, 'encounter', () => reference(pick, 'Encounter')),
    ...maybe(pick, 'recordedDate', () => pick(moments)),
    ...maybe(pick, 'evidence', () => [{ code: [concept(pick)], detail: [reference(pick, 'Observation')] }]),
    ...pick([
      {},
      { onsetDateTime: pick(moments) },
      { onsetPeriod: period(pick) },
      { onsetString: pick(words) },
      { onsetAge: age(pick) },
      { onsetRange: ages(pick) },
      { onsetRange: ages(pick) },
    ]),
  }),
  Observation: (pick) =>
    once({
      ...identified(pick),
      status: pick(['final', 'amended', 'preliminary']),
      code: concept(pick),
      ...maybe(pick, 'category', () => [concept(pick)]),
      ...maybe(pick, 'subject', () => subject(pick)),
      ...maybe(pick, 'encounter', () => reference(pick, 'Encounter')),
      ...maybe(pick, 'performer', () => [reference(pick, 'Practitioner'), reference(pick, 'Organization')]),
      ...maybe(pick, 'hasMember', () => [reference(pick, 'Observation')]),
      ...pick([{}, { effectiveDateTime: pick(moments) }, { effectivePeriod: period(pick) }, timing(pick)]),
      ...observed(pick, true),
      ...maybe(pick, 'component', () => [
        { code: concept(pick), ...observed(pick, false) },
        { code: concept(pick), ...observed(pick, false) },
      ]),
    }),
  MedicationRequest: (pick) => ({
    ...identified(pick),
    status: pick(['active', 'completed', 'stopped']),
    intent: pick(['order', 'plan']),
    medicationCodeableConcept: concept(pick),
    subject: reference(pick, 'Patient'),
    ...maybe(pick, 'encounter', () => reference(pick, 'Encounter')),
    ...maybe(pick, 'authoredOn', () => pick(moments)),
    ...maybe(pick, 'requester', () => reference(pick, pick(['Practitioner', 'Organization', 'Patient'] as const))),
    ...maybe(pick, 'dosageInstruction', () => [{ timing: { event: [pick(moments), pick(moments)] } }]),
  }),
  RiskAssessment: (pick) => ({
    ...identified(pick),
    status: pick(['final', 'amended']),
    subject: reference(pick, 'Patient'),
    ...maybe(pick, 'occurrenceDateTime', () => pick(moments)),
    ...maybe(pick, 'prediction', () => [
      { outcome: concept(pick), probabilityDecimal: pick(probabilities) },
      { probabilityDecimal: pick(probabilities) },
    ]),
  }),
  Questionnaire: (pick) => ({
    ...published(pick),
    ...maybe(pick, 'subjectType', () => [pick(['Patient', 'Practitioner'])]),
    ...maybe(pick, 'effectivePeriod', () => period(pick)),
    item: [{ linkId: '1', type: 'string', code: [coding(pick)], ...maybe(pick, 'definition', () => pick(urls)) }],
  }),
  ValueSet: (pick) => ({
    ...published(pick),
    compose: {
      include: [
        {
          ...maybe(pick, 'version', () => '1'),
          system: pick([loinc, 'urn:x']),
          concept: [...new Set([pick(codes), pick(codes)])].map((code) => ({ code })),
        },
      ],
    },
  }),
  List: (pick) => ({
    ...identified(pick),
    status: 'current',
    mode: 'working',
    subject: reference(pick, 'Patient'),
    entry: Array.from({ length: 12 }, () => ({
      item: reference(pick, pick(['Patient', 'Condition', 'Observation'] as const)),
    })),
  }),
};

/** A value is not said twice: what a component is about too, the whole has no value of (obs-7). */
function once(observation: Members): Members {
  const { code, component = [] } = observation as { code: Concept; component?: readonly { code: Concept }[] };
  const codings = new Set(component.flatMap((one) => textsOf(one.code)));
  if (!textsOf(code).some((text) => codings.has(text))) return observation;
  return Object.fromEntries(Object.entries(observation).filter(([name]) => !name.startsWith('value')));
}

interface Concept {
  readonly coding?: readonly Members[];
}

function textsOf({ coding = [] }: Concept): string[] {
  return coding.map((one) => JSON.stringify(one));
}

/** Present three times in four. */
function maybe(pick: Pick, name: string, make: () => unknown): Members {
  return pick([true, true, true, false]) ? { [name]: make() } : {};
}

/** Those of this project, so that its value sets hold some of what is stored. */
const ownCodings = ownDefinitions().codeSystems.flatMap(({ url: system, concept = [] }) =>
  concept.map(({ code, display }) => ({ system, code, display })),
);

function coding(pick: Pick): Members {
  if (pick([false, false, false, false, true])) return pick(ownCodings);
  const [system, code, display] = [pick(systems), pick(codes), pick(displays)];
  return { ...(system !== undefined && { system }), code, ...(display !== undefined && { display }) };
}

function concept(pick: Pick): Members {
  const codings = pick([1, 1, 2, 0]) === 2 ? [coding(pick), coding(pick)] : [coding(pick)];
  return pick([
    { coding: codings },
    { coding: codings },
    { coding: codings, text: pick(words) },
    { text: pick(words) },
  ]);
}

function identified(pick: Pick): Members {
  const identifier = () => ({
    ...maybe(pick, 'system', () => pick(['http://acme.org/mrn', 'urn:oid:1.2.3'])),
    value: pick(['1', '2', '3', '12345', 'A-7', 'a-7', 'x|y']),
    ...maybe(pick, 'type', () => ({
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: pick(['MR', 'SS']) }],
      text: pick(words),
    })),
  });
  return maybe(pick, 'identifier', () => pick([[identifier()], [identifier(), identifier()]]));
}

function person(pick: Pick): Members {
  const name = () => ({ family: pick(families), given: pick([[pick(givens)], [pick(givens), pick(givens)]]) });
  return {
    ...maybe(pick, 'active', () => pick([true, false])),
    ...maybe(pick, 'name', () => pick([[name()], [name(), name()], [{ ...name(), prefix: ['Dr.'], text: 'Dr. No' }]])),
    ...maybe(pick, 'gender', () => pick(['male', 'female', 'other', 'unknown'])),
    ...maybe(pick, 'birthDate', () =>
      pick(['1980', '1980-05', '1980-05-03', '1999-12-31', '2000-01-01', '1961-02-28']),
    ),
    ...maybe(pick, 'address', () => [address(pick)]),
    ...maybe(pick, 'telecom', () => [
      { system: 'phone', value: pick(['+41 44 123 45 67', '044/123-4567', '0800 1']) },
      { system: 'email', value: pick(['Anna@Example.org', 'jan@example.org']) },
    ]),
  };
}

function address(pick: Pick): Members {
  return {
    use: pick(['home', 'work', 'temp']),
    line: [pick(['Main Street 1', 'Gasse 2'])],
    city: pick(['Zürich', 'Zurich', 'St. Gallen', 'Łódź']),
    ...maybe(pick, 'state', () => pick(['ZH', 'SG'])),
    postalCode: pick(['8001', '8002', '9000']),
    country: pick(['CH', 'Poland']),
  };
}

function reference(pick: Pick, type: AgreementType): Members {
  // A few of each type are pointed to by many.
  const index = pick([0, 1, 2, 3, 4, 5, 6, 7].filter((one) => one < counts[type]));
  const literal = { reference: `${type}/${idOf(type, index)}` };
  const identifier = { system: 'http://acme.org/mrn', value: pick(['1', '2']) };
  return pick([literal, literal, literal, literal, literal, literal, { ...literal, identifier }, { identifier }]);
}

function subject(pick: Pick): Members {
  return pick([
    reference(pick, 'Patient'),
    reference(pick, 'Patient'),
    reference(pick, 'Patient'),
    { reference: `Patient/patient-1/_history/2` },
    { reference: 'Group/patient-2' },
    { reference: 'https://other.example/fhir/Patient/patient-1' },
    { identifier: { system: 'http://acme.org/mrn', value: pick(['1', '2']) } },
    { display: 'Somebody' },
  ]);
}

function period(pick: Pick): Members {
  const [first, second] = [pick(moments), pick(moments)];
  const [start, end] = moments.indexOf(first) <= moments.indexOf(second) ? [first, second] : [second, first];
  const short = periodOfDays(pick);
  return pick([{ start, end }, { start, end }, short, short, { start }, { end }]);
}

/** Around the lengths up to which spans are stored day by day. */
function periodOfDays(pick: Pick): Members {
  const start = Date.parse(pick(instants));
  const end = start + pick([0.25, 1, 1.5, 6.9, 7, 8, 9, 40]) * 86_400_000;
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

function timing(pick: Pick): Members {
  return pick([
    { effectiveTiming: { event: [pick(moments), pick(moments)] } },
    { effectiveTiming: { repeat: { boundsPeriod: period(pick) } } },
    { effectiveInstant: pick(instants) },
  ]);
}

const quantities: readonly Members[] = [
  { value: 5.4, unit: 'mg', system: ucum, code: 'mg' },
  { value: 5.44, unit: 'mg', system: ucum, code: 'mg' },
  { value: 0.0054, unit: 'g', system: ucum, code: 'g' },
  { value: 5, unit: 'mg', system: ucum, code: 'mg' },
  { value: 5400, unit: 'ug', system: ucum, code: 'ug' },
  { value: 60, unit: 'minutes', system: ucum, code: 'min' },
  { value: 90, unit: 'min', system: ucum, code: 'min' },
  { value: 1, unit: 'h', system: ucum, code: 'h' },
  { value: 1.5, unit: 'hours', system: ucum, code: 'h' },
  { value: 100, unit: 'mg' },
  { value: 5, comparator: '<', unit: 'mg', system: ucum, code: 'mg' },
  { value: 0.005, comparator: '>=', unit: 'g', system: ucum, code: 'g' },
  { value: -3.25 },
  { value: 5.4, unit: 'x', system: 'urn:units', code: 'mg' },
];
const probabilities = [0.1, 0.14, 0.15, 0.25, 0.5, 0.95, 1, 0];

function age(pick: Pick): Members {
  return ageIn(pick(['a', 'mo']), pick([1, 2, 3, 40]));
}

function ageIn(code: string, value: number): Members {
  return { value, unit: code === 'a' ? 'years' : 'months', system: ucum, code };
}

function ages(pick: Pick): Members {
  const code = pick(['a', 'mo']);
  const [low, high] = [ageIn(code, pick([1, 2])), ageIn(code, pick([3, 40]))];
  return pick<Members>([{ low, high }, { low, high }, { high }, { low }]);
}

function observed(pick: Pick, isWhole: boolean): Members {
  return pick<Members>([
    {},
    { valueQuantity: pick(quantities) },
    { valueQuantity: pick(quantities) },
    { valueCodeableConcept: concept(pick) },
    {
      valueSampledData: {
        origin: pick(quantities.slice(0, 3)),
        period: 10,
        dimensions: 1,
        data: pick(['1 2 3', '-4 0.5', '0']),
      },
    },
    { valueString: pick(words) },
    isWhole ? { valuePeriod: period(pick) } : {},
    { valueDateTime: pick(moments) },
  ]);
}

function published(pick: Pick): Members {
  return {
    ...maybe(pick, 'url', () => pick(urls)),
    ...identified(pick),
    version: pick(['1.0', '2.0']),
    name: pick(['Alpha', 'Alphabet', 'Beta']),
    title: pick(words),
    status: pick(['draft', 'active', 'retired']),
    ...maybe(pick, 'date', () => pick(moments)),
    ...maybe(pick, 'publisher', () => pick(words)),
    ...maybe(pick, 'useContext', () => [useContext(pick), useContext(pick)]),
    ...maybe(pick, 'jurisdiction', () => [concept(pick)]),
  };
}

function useContext(pick: Pick): Members {
  return {
    code: coding(pick),
    ...pick<Members>([
      { valueCodeableConcept: concept(pick) },
      { valueQuantity: pick(quantities) },
      { valueRange: { low: pick(quantities.slice(0, 1)), high: { value: 9, unit: 'mg', system: ucum, code: 'mg' } } },
    ]),
  };
}

export const positions: readonly Members[] = [
  { latitude: 47.3769, longitude: 8.5417 },
  { latitude: 47.4245, longitude: 9.3767 },
  { latitude: 46.948, longitude: 7.4474 },
  { latitude: 51.7592, longitude: 19.456 },
  { latitude: -17.7134, longitude: 178.065 },
  { latitude: -17.7, longitude: -179.9 },
];
