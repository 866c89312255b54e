// What is sent in the bench of attacks, each by its number in security.md section 2.

import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { buildObservation } from '../support/builders.ts';

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT';
  /** Below the FHIR base. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Attack {
  readonly number: number;
  readonly name: string;
  /** All of them at once. */
  readonly requests: () => readonly Request[];
}

const json = { 'Content-Type': 'application/fhir+json' };
const xml = { 'Content-Type': 'application/fhir+xml' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const post = (path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = json): Request => ({
  method: 'POST',
  path,
  headers,
  body,
});
const search = (type: string, query: string): Request => post(`/${type}/_search`, query, form);
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const bundle = (type: string, entry: readonly object[]) => JSON.stringify({ resourceType: 'Bundle', type, entry });
const withDiv = (inner: string) =>
  JSON.stringify({
    resourceType: 'Patient',
    text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>` },
  });
const document = (inner: string) => `<Patient xmlns="http://hl7.org/fhir">${inner}</Patient>`;
const fhirpathPatch = (path: string) =>
  JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueCode: 'delete' },
          { name: 'path', valueString: path },
        ],
      },
    ],
  });

export const attacks: readonly Attack[] = [
  {
    number: 77,
    name: 'values of 20,000 characters in 10 parameters',
    requests: () =>
      times(4, () => search('Patient', times(10, (n) => `identifier=${n}${"'%_".repeat(6_600)}`).join('&'))),
  },
  { number: 82, name: '200,000 open brackets', requests: () => times(8, () => post('/Patient', '['.repeat(200_000))) },
  {
    number: 84,
    name: '100,000 numbers whose text must be kept',
    requests: () => [
      post('/Patient', `{"resourceType":"Patient","x":[${times(100_000, (n) => `${n}.10`).join(',')}]}`),
    ],
  },
  { number: 85, name: 'a body of 64 MB', requests: () => [post('/Patient', Buffer.alloc(64_000_000, ' '))] },
  {
    number: 85,
    name: 'a body of 64 MB in one string',
    requests: () => [
      post(
        '/Patient',
        Buffer.concat([
          Buffer.from('{"resourceType":"Patient","id":"'),
          Buffer.alloc(63_900_000, 'x'),
          Buffer.from('"}'),
        ]),
      ),
    ],
  },
  {
    number: 85,
    name: '200 MB packed into 200 KB, four times',
    requests: () => {
      const bomb = gzipSync(Buffer.alloc(200_000_000, 32));
      return times(4, () => post('/Patient', bomb, { ...json, 'Content-Encoding': 'gzip' }));
    },
  },
  {
    number: 86,
    name: 'XML with a million attributes',
    requests: () => [
      post('/Patient', `<Patient xmlns="http://hl7.org/fhir" ${times(1_000_000, (n) => `a${n}="1"`).join(' ')}/>`, xml),
    ],
  },
  {
    number: 86,
    name: 'XML 100,000 deep, and a DTD that laughs',
    requests: () => [
      post('/Patient', document('<extension url="x">'.repeat(100_000)), xml),
      post('/Patient', `<!DOCTYPE x [<!ENTITY a "ha">]>${document('&a;')}`, xml),
    ],
  },
  {
    number: 87,
    name: 'a batch of 10,000 entries that lead nowhere',
    requests: () => [
      post(
        '',
        bundle(
          'batch',
          times(10_000, (n) => ({ request: { method: 'GET', url: `Nothing/${n}` } })),
        ),
      ),
    ],
  },
  {
    number: 87,
    name: 'a transaction of 1,000 creates',
    requests: () => [
      post(
        '',
        bundle(
          'transaction',
          times(1_000, () => ({
            resource: buildObservation('Patient/known'),
            request: { method: 'POST', url: 'Observation' },
          })),
        ),
      ),
    ],
  },
  {
    number: 87,
    name: 'a transaction of 5,000 conditional references',
    requests: () => [
      post(
        '',
        bundle(
          'transaction',
          times(5_000, (n) => ({
            resource: buildObservation(`Patient?identifier=urn:x|${n}`),
            request: { method: 'POST', url: 'Observation' },
          })),
        ),
      ),
    ],
  },
  {
    number: 89,
    name: 'ten chains, _has six deep, includes of everything',
    requests: () => [
      search('Observation', times(10, () => 'subject:Patient.general-practitioner:Practitioner.name=x').join('&')),
      search('Observation', `${'_has:Observation:has-member:'.repeat(5)}code=x`),
      search('Observation', '_include=*&_revinclude=*&_include:iterate=*&_count=1000'),
    ],
  },
  {
    number: 89,
    name: 'a _filter of 500 parts',
    requests: () =>
      times(4, () =>
        search('Patient', `_filter=${encodeURIComponent(times(500, (n) => `name co "a${n}"`).join(' or '))}`),
      ),
  },
  {
    number: 90,
    name: ':contains of wildcards and of 10 kB',
    requests: () =>
      ['%', '_', '%_%_%'.repeat(50), 'x'.repeat(10_000)].map((value) =>
        search('Patient', `family:contains=${encodeURIComponent(value)}`),
      ),
  },
  {
    number: 91,
    name: 'Accept of 10,000 entries',
    requests: () =>
      times(8, () => ({ path: '/Patient/known', headers: { Accept: times(10_000, (n) => `a/b;q=0.${n}`).join(',') } })),
  },
  {
    number: 91,
    name: 'headers of 8 KB that nearly fit',
    requests: () =>
      ['If-Match', 'If-None-Match', 'Prefer', 'Accept', 'X-Forwarded-For', 'If-Modified-Since'].map((name) => ({
        path: '/Patient/known',
        headers: { [name]: 'W/"1",;a="\\'.repeat(700) },
      })),
  },
  {
    number: 91,
    name: 'dates, tokens and quantities of 20,000 characters',
    requests: () =>
      ['birthdate', 'identifier', '_lastUpdated', '_id', '_sort', 'general-practitioner'].flatMap((name) =>
        ['1', '-01', 'a|', '9,'].map((part) =>
          search('Patient', `${name}=${encodeURIComponent(part.repeat(19_000 / part.length))}`),
        ),
      ),
  },
  {
    number: 92,
    name: 'FHIRPath Patch that walks a long list within itself',
    requests: () =>
      [
        'Patient.identifier.where(%resource.identifier.where(value = %resource.identifier.last().value).exists())',
        `Patient.identifier.where(${'('.repeat(50)}true${')'.repeat(50)})`,
        "Patient.name.where(family.matches('(a+)+$'))",
      ].map((path) => ({ method: 'PATCH' as const, path: '/Patient/wide', headers: json, body: fhirpathPatch(path) })),
  },
  {
    number: 92,
    name: 'a JSON Patch that doubles what it copies',
    requests: () => [
      {
        method: 'PATCH',
        path: '/Patient/wide',
        headers: { 'Content-Type': 'application/json-patch+json' },
        body: JSON.stringify(times(100, () => ({ op: 'copy', from: '/identifier', path: '/identifier/-' }))),
      },
    ],
  },
  {
    number: 97,
    name: '100,000 keys that are numbers',
    requests: () =>
      times(4, () =>
        post('/Patient', `{"resourceType":"Patient",${times(100_000, (n) => `"${n * 1_048_576}":1`).join(',')}}`),
      ),
  },
  {
    number: 98,
    name: '$validate of 10 MB',
    requests: () => [
      post(
        '/Patient/$validate',
        JSON.stringify({
          resourceType: 'Patient',
          name: times(100_000, (n) => ({ family: `x${n}`, use: 'nobody', text: 'y'.repeat(60) })),
        }),
      ),
    ],
  },
  {
    number: 98,
    name: '$expand of the largest value sets of R4',
    requests: () =>
      ['all-languages', 'mimetypes', 'ucum-units', 'resource-types', 'v3-ActCode', 'all-types'].map((name) => ({
        path: `/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/${name}`,
      })),
  },
  {
    number: 107,
    name: 'a narrative of a million characters',
    requests: () =>
      ['<b>', '&amp;', '<a href="x">', ' '].map((part) =>
        post('/Patient', withDiv(part.repeat(1_000_000 / part.length))),
      ),
  },
  {
    number: 50,
    name: '200 forged access tokens',
    requests: () => times(200, (n) => ({ path: '/Patient/known', headers: { Authorization: `Bearer ${forged(n)}` } })),
  },
  {
    number: 0,
    name: 'nothing bad: the first use of 40 types',
    requests: () =>
      [
        'Account',
        'AdverseEvent',
        'Basic',
        'CarePlan',
        'Claim',
        'Contract',
        'Coverage',
        'Device',
        'EvidenceVariable',
        'ExplanationOfBenefit',
        'Goal',
        'Group',
        'Immunization',
        'Library',
        'List',
        'Measure',
        'Media',
        'MedicationRequest',
        'NutritionOrder',
        'PlanDefinition',
        'Procedure',
        'Questionnaire',
        'ResearchStudy',
        'Schedule',
        'ServiceRequest',
        'Specimen',
        'StructureMap',
        'Substance',
        'Task',
        'TestScript',
        'ValueSet',
        'VisionPrescription',
        'CapabilityStatement',
        'Composition',
        'ConceptMap',
        'DiagnosticReport',
        'ImplementationGuide',
        'Invoice',
        'MolecularSequence',
        'SubstanceSpecification',
      ].map((resourceType) => post(`/${resourceType}/$validate`, JSON.stringify({ resourceType }))),
  },
];

function forged(n: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', typ: 'at+jwt', kid: `k${n}` })}.${part({ jti: `${n}`, exp: 9_999_999_999, client_id: 'x', sub: 'x' })}`;
  return `${signed}.${createHmac('sha256', 'x').update(signed).digest('base64url')}`;
}
