// Whole requests to the FHIR API, and the bundles that hold several: https://hl7.org/fhir/R4/http.html

import fc from 'fast-check';
import { type Headers, someHeaders } from './headers.ts';
import { cut, cuts, mutate, mutations, strange } from './mutations.ts';
import { patchesOf } from './patches.ts';
import { goodResource, jsonTexts, nearlyGood, resourceOf, xmlTexts } from './resources.ts';
import { queryOf, searches } from './searches.ts';

export interface FhirRequest {
  readonly method: string;
  /** Below the FHIR base, with its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: string;
}

/** Each of these types has the resource `fuzz` of this seed. */
export const storedTypes: readonly string[] = [
  'Patient',
  'Observation',
  'Practitioner',
  'Condition',
  'Organization',
  'Location',
  'Device',
  'Basic',
];
export const storedSeed = 7;

export function storedResource(type: string): Record<string, unknown> {
  return { ...resourceOf(type, storedSeed), id: 'fuzz' };
}

const withJson = { 'Content-Type': 'application/fhir+json' };
const withXml = { 'Content-Type': 'application/fhir+xml' };
const few: fc.Arbitrary<Headers> = fc.oneof(
  { arbitrary: fc.constant({}), weight: 3 },
  { arbitrary: someHeaders, weight: 1 },
);
const typeOf = (resource: unknown) => {
  const { resourceType } = (resource ?? {}) as { resourceType?: unknown };
  return typeof resourceType === 'string' && /^[A-Za-z]{1,40}$/.test(resourceType) ? resourceType : 'Patient';
};

const writes: fc.Arbitrary<FhirRequest> = fc
  .tuple(fc.oneof(goodResource, nearlyGood), fc.constantFrom('POST', 'PUT', 'PUT ?', 'POST $validate'), fc.nat(30), few)
  .map(([resource, kind, n, headers]) => {
    const type = typeOf(resource);
    const isObject = typeof resource === 'object' && resource !== null && !Array.isArray(resource);
    const body = JSON.stringify(kind === 'PUT' && isObject ? { ...resource, id: `f${n}` } : resource) ?? '';
    const [method = ''] = kind.split(' ');
    const paths = new Map([
      ['POST', `/${type}`],
      ['PUT', `/${type}/f${n}`],
      ['PUT ?', `/${type}?_id=f${n}`],
      ['POST $validate', `/${type}/$validate`],
    ]);
    const path = paths.get(kind) ?? '';
    return { method, path, headers: { ...withJson, ...headers }, body };
  });

const texts: fc.Arbitrary<FhirRequest> = fc.oneof(
  jsonTexts.map((body) => ({ method: 'POST', path: '/Patient', headers: withJson, body })),
  xmlTexts.map((body) => ({
    method: 'POST',
    path: `/${/<([A-Z]\w{1,40}) /.exec(body)?.[1] ?? 'Patient'}`,
    headers: withXml,
    body,
  })),
);

const mediaTypes = {
  'json-patch': 'application/json-patch+json',
  'merge-patch': 'application/merge-patch+json',
  'fhirpath-patch': 'application/fhir+json',
} as const;

const patches: fc.Arbitrary<FhirRequest> = fc
  .constantFrom('json-patch', 'merge-patch', 'fhirpath-patch')
  .chain((kind) =>
    fc.tuple(patchesOf[kind], fc.constantFrom(...storedTypes), few).map(([{ document }, type, headers]) => ({
      ...{ method: 'PATCH', path: `/${type}/fuzz` },
      headers: { ...headers, 'Content-Type': mediaTypes[kind] },
      body: JSON.stringify(document),
    })),
  );

const finds: fc.Arbitrary<FhirRequest> = fc.tuple(searches, few, fc.nat(5)).map(([search, headers, way]) => {
  const query = queryOf(search);
  if (way > 0)
    return {
      method: way === 1 ? 'DELETE' : 'GET',
      path: `/${search.type}?${query}`,
      headers: way === 1 ? {} : headers,
    };
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', path: `/${search.type}/_search`, headers: { ...headers, ...form }, body: query };
});

const places = [
  '/fuzz',
  '/fuzz/_history',
  '/fuzz/_history/1',
  '/f1',
  '/_history',
  '/none',
  '/fuzz/$meta',
  '/fuzz/*',
  '/fuzz/Observation',
  '',
];
const reads: fc.Arbitrary<FhirRequest> = fc
  .tuple(
    fc.constantFrom('GET', 'HEAD', 'DELETE', 'GET'),
    fc.constantFrom(...storedTypes),
    fc.constantFrom(...places),
    someHeaders,
  )
  .map(([method, type, place, headers]) => ({
    method: place === '' && method === 'DELETE' ? 'GET' : method,
    path: `/${type}${place}`,
    headers,
  }));

const operations = [
  'ValueSet/$expand',
  'ValueSet/$validate-code',
  'CodeSystem/$lookup',
  'CodeSystem/$subsumes',
  'ConceptMap/$translate',
  'Patient/$match',
  'Patient/$explain',
  '$meta',
  'CodeSystem/$validate-code',
  'Slot/$find',
  'Appointment/$book',
  '$export',
  '$graphql',
];
const inputNames = [
  'url',
  'code',
  'system',
  'filter',
  'count',
  'offset',
  'coding',
  'valueSet',
  'date',
  'property',
  'display',
  'resource',
  'query',
  'start',
  'end',
];
const inputValues = [
  'http://hl7.org/fhir/ValueSet/administrative-gender',
  'http://hl7.org/fhir/administrative-gender',
  'male',
  '',
  '-1',
  '99999999999',
  'http://snomed.info/sct?fhir_vs=ecl/<<((',
  '2026',
  '\u0000',
  'x'.repeat(500),
];
const called: fc.Arbitrary<FhirRequest> = fc
  .tuple(
    fc.constantFrom(...operations),
    fc.array(fc.tuple(fc.constantFrom(...inputNames), fc.constantFrom(...inputValues)), { maxLength: 4 }),
    mutations(2),
    fc.boolean(),
  )
  .map(([operation, pairs, changes, isPost]) => {
    if (!isPost) return { method: 'GET', path: `/${operation}?${new URLSearchParams(pairs)}`, headers: {} };
    const parameter = pairs.map(([name, value]) => ({ name, valueString: value }));
    const body = JSON.stringify(mutate({ resourceType: 'Parameters', parameter }, changes)) ?? '';
    return { method: 'POST', path: `/${operation}`, headers: withJson, body };
  });

const printable = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const wild: fc.Arbitrary<FhirRequest> = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    fc.array(
      fc.oneof(
        printable,
        fc.constantFrom('Patient', '_history', '..', '%2e%2e', '%00', '%', '%zz', '$x', '', '_search', 'metadata'),
      ),
      { maxLength: 5 },
    ),
    someHeaders,
  )
  .map(([method, parts, headers]) => ({ method, path: `/${parts.join('/')}`, headers }));

export const requests: fc.Arbitrary<FhirRequest> = fc.oneof(
  { arbitrary: writes, weight: 5 },
  { arbitrary: texts, weight: 2 },
  { arbitrary: patches, weight: 4 },
  { arbitrary: finds, weight: 5 },
  { arbitrary: reads, weight: 2 },
  { arbitrary: called, weight: 2 },
  { arbitrary: wild, weight: 1 },
);

const urls = [
  'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d',
  'urn:uuid:1b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d',
  'urn:oid:1.2.3',
  'http://other.example/Patient/1',
  '',
  'Patient/fuzz',
  '#x',
];
interface EntryChoice {
  readonly resource: unknown;
  readonly method: string;
  readonly n: number;
  /** Mostly nothing odd. */
  readonly odd: number;
}

const entryChoices: fc.Arbitrary<EntryChoice> = fc.record({
  resource: fc.oneof({ arbitrary: goodResource, weight: 6 }, { arbitrary: nearlyGood, weight: 1 }),
  method: fc.constantFrom('POST', 'POST', 'PUT', 'PUT', 'GET', 'DELETE', 'PATCH', 'HEAD'),
  n: fc.nat(99),
  odd: fc.nat(40),
});

function entryOf({ resource, method, n, odd }: EntryChoice, index: number): object {
  const type = typeOf(resource);
  const oddTarget = ['http://evil.example/Patient/1', `${type}?_id=f${n}`, '../../x', `${type}/f${n}/_history/1`][odd];
  const own = `urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c${index}${n % 10}`;
  const isObject = typeof resource === 'object' && resource !== null;
  const linked = {
    ...(method === 'PUT' ? { id: `f${n}-${index}` } : {}),
    ...(odd === 5 ? { subject: { reference: own } } : {}),
    ...(odd === 6 ? { subject: { reference: 'Patient?identifier=x' } } : {}),
  };
  const isWrite = method === 'POST' || method === 'PUT';
  return {
    ...(isWrite ? { fullUrl: urls[odd - 10] ?? own } : {}),
    ...(isWrite ? { resource: isObject ? { ...resource, ...linked } : resource } : {}),
    request: {
      method,
      url: oddTarget ?? (method === 'POST' ? type : `${type}/f${n}-${index}`),
      ...(odd === 7 ? { ifMatch: 'W/"1"' } : {}),
      ...(odd === 8 ? { ifNoneExist: `identifier=${n}` } : {}),
    },
  };
}

const bundlePieces = ['', '"', '{', '}', '[', ']', ',', ':', 'urn:uuid:', 'Patient?', '\u0000', 'null'];

/** Batches and transactions, mostly whole, sometimes with a part gone wrong or a piece in the text. */
export const bundles: fc.Arbitrary<FhirRequest> = fc
  .tuple(
    fc.constantFrom('batch', 'transaction', 'transaction'),
    fc.array(entryChoices, { maxLength: 6 }),
    fc.oneof({ arbitrary: fc.constant([]), weight: 9 }, { arbitrary: mutations(2), weight: 1 }),
    fc.oneof({ arbitrary: fc.constant([]), weight: 12 }, { arbitrary: cuts(2, bundlePieces), weight: 1 }),
    few,
    strange,
  )
  .map(([type, choices, changes, list, headers, odd]) => {
    const bundle = mutate(
      { resourceType: 'Bundle', type, ...(choices.length > 0 ? { entry: choices.map(entryOf) } : { total: odd }) },
      changes,
    );
    return {
      method: 'POST',
      path: '/',
      headers: { ...headers, ...withJson },
      body: cut(JSON.stringify(bundle) ?? '', list),
    };
  });
