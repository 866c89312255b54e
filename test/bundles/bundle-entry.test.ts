// An entry is taken apart or refused, whatever it is: https://hl7.org/fhir/R4/http.html#transaction

import { describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from '../../src/bundles/bundle-entry.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { FhirError } from '../../src/fhir/outcome.ts';

const seed = 20_261_120;
const definitions = loadDefinitions();
const baseUrl = 'https://clinic.example/t/demo/fhir';

const parse = (entry: unknown) =>
  parseEntry({ resourceType: 'Bundle', type: 'batch', entry: [entry] } as Bundle, 0, definitions, baseUrl);
const parseRequest = (method: string, url: string) =>
  parse({ resource: { resourceType: url.replace(`${baseUrl}/`, '').split(/[/?]/)[0] }, request: { method, url } });

function attempt(work: () => ParsedEntry): ParsedEntry | FhirError {
  try {
    return work();
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
}

describe('an entry', () => {
  test('of any JSON is parsed or refused with 400 and its place, never anything else', () => {
    const part = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('GET', 'POST', 'PUT', 'Patient', 'Patient/1', 'urn:uuid:1'),
    );
    const entry = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          fullUrl: part,
          resource: part,
          request: fc.oneof(part, fc.record({ method: part, url: part, ifMatch: part }, { requiredKeys: [] })),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(entry, (one) => {
        const result = attempt(() => parse(one));
        if (!(result instanceof FhirError)) return;
        expect(result.status).toBe(400);
        expect(result.issues[0]?.expression?.[0]).toMatch(/^Bundle\.entry\[0\]/);
      }),
      { seed, numRuns: 2_000 },
    );
  });

  test('that is taken has a type of R4, an id or none, and leads nowhere else (security.md 13)', () => {
    const segment = fc.constantFrom(
      'Patient',
      'Observation',
      '..',
      '.',
      '',
      '1',
      'a.b-c',
      '_history',
      '%2e%2e',
      'x y',
      '$op',
      '2',
      baseUrl,
      'http://evil',
      '?x=1',
    );
    const url = fc.array(segment, { maxLength: 6 }).map((parts) => parts.join('/'));
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), url, (method, one) => {
        const result = attempt(() => parseRequest(method, one));
        if (result instanceof FhirError) return;
        taken++;
        expect(result.type === '' || definitions.resourceTypes.has(result.type)).toBe(true);
        expect(result.id).toMatch(/^$|^(?!\.+$)[A-Za-z0-9.-]{1,64}$/);
        expect(result.path).toMatch(/^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9.\-_$*/]*$/);
        const asked = one === baseUrl ? '' : one.replace(`${baseUrl}/`, '').replace(/\?.*$/, '');
        expect(asked).toBe(result.path);
      }),
      { seed, numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  test.each([
    ['GET', 'Patient', { type: 'Patient', id: '' }],
    ['GET', 'Patient?name=x&_count=2', { type: 'Patient', id: '' }],
    ['GET', 'Patient/1', { type: 'Patient', id: '1' }],
    ['GET', 'Patient/1/_history/2', { type: 'Patient', id: '1', path: 'Patient/1/_history/2', isWrite: false }],
    ['HEAD', 'Patient/1', { type: 'Patient', id: '1', isWrite: false }],
    ['GET', 'Patient/1/$everything', { path: 'Patient/1/$everything', isWrite: false }],
    ['GET', '_history?_count=2', { type: '', path: '_history', isWrite: false }],
    ['GET', '?_type=Patient', { type: '', path: '', isWrite: false }],
    ['POST', '$x', { type: '', path: '$x', isWrite: false }],
    ['POST', 'Patient/1/$x', { type: 'Patient', isWrite: false }],
    ['POST', 'Patient', { type: 'Patient', id: '', isWrite: true }],
    ['PUT', 'Patient/1', { type: 'Patient', id: '1' }],
    ['DELETE', 'Patient/1', { type: 'Patient', id: '1', isWrite: true }],
    ['PUT', 'Patient?identifier=1', { type: 'Patient', id: '', isWrite: true }],
    ['DELETE', 'Patient?identifier=1', { type: 'Patient', id: '', isWrite: true }],
    ['PUT', `${baseUrl}/Patient/1`, { type: 'Patient', id: '1' }],
  ])('%s %s is understood', (method, url, expected) => {
    expect(parseRequest(method, url)).toMatchObject({ method, ...expected });
  });

  test.each([
    ['POST', 'Patient/1'],
    ['POST', 'Patient?x=1'],
    ['PUT', 'Patient'],
    ['DELETE', 'Patient'],
    ['DELETE', 'Patient/1?identifier=1'],
    ['DELETE', '_history'],
    ['POST', 'Nothing'],
    ['GET', 'Patient/1/_history/2/x/y'],
    ['DELETE', 'Patient/1/_history/1'],
    ['PUT', 'Patient/1/_history/1'],
    ['PATCH', 'Patient/1'],
    ['get', 'Patient/1'],
  ])('%s %s is refused', (method, url) => {
    expect(attempt(() => parseRequest(method, url))).toBeInstanceOf(FhirError);
  });

  test('shows no value of the request in its refusal', () => {
    for (const request of [
      { method: 'Geheim', url: 'Patient' },
      { method: 'GET', url: 'Geheim/1' },
      { method: 'GET', url: 'Patient', ifMatch: { a: 'Geheim' } },
    ]) {
      const refusal = attempt(() => parse({ request }));
      expect(JSON.stringify((refusal as FhirError).issues)).not.toContain('Geheim');
    }
  });
});

describe('exact numbers of a bundle', () => {
  test('go with their entry, their paths relative to its resource', () => {
    const byEntry = exactNumbersByEntry(
      new Map([
        ['/entry/0/resource/valueQuantity/value', '1.00'],
        ['/entry/12/resource/component/3/valueQuantity/value', '2.0'],
        ['/entry/12/search/score', '0.50'],
        ['/total', '1.0'],
      ]),
    );
    expect([...byEntry].map(([index, numbers]) => [index, [...numbers]])).toEqual([
      [0, [['/valueQuantity/value', '1.00']]],
      [12, [['/component/3/valueQuantity/value', '2.0']]],
    ]);
    expect(exactNumbersByEntry(undefined).size).toBe(0);
  });
});
