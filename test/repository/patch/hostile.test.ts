// Whatever is sent as a patch, the answer is a patched resource or an error a client can act on: security.md 43, 79 and 92

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { parameters, patched } from './patching.ts';

const patient = {
  resourceType: 'Patient',
  id: '1',
  meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
  birthDate: '1974-12-25',
  _birthDate: { extension: [{ url: 'urn:x', valueString: 's' }] },
  deceasedBoolean: false,
  name: [{ family: 'x', given: ['a', null], _given: [null, { id: 'b' }] }],
  contained: [{ resourceType: 'Basic', id: 'b', code: { text: 'x' } }],
};
const owned = { resourceType: 'Patient', id: '1', meta: expect.objectContaining(patient.meta) };

const words = (
  "Patient name given birthDate deceased extension contained code id meta value url 'urn:x' 1 true @2020 %resource $this " +
  '{} `name` [0] [1] ( ) . , = !~ | and in contains is as HumanName where exists first last() tail() single() skip(1) ' +
  'count() ofType(boolean) not() toString __proto__ constructor'
).split(' ');
const sensiblePaths = (
  'Patient Patient.name Patient.name.given Patient.name.given.last() Patient.name.family Patient.birthDate ' +
  "Patient.birthDate.extension('urn:x') Patient.deceased Patient.contained Patient.contained.code.text Patient.photo " +
  'Patient.id Patient.meta Patient.meta.versionId Patient.meta.tag Patient.name.where(given.exists())'
).split(' ');
const path = fc.oneof(
  { arbitrary: fc.constantFrom(...sensiblePaths), weight: 8 },
  { arbitrary: fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((some) => some.join('')), weight: 1 },
  { arbitrary: fc.string(), weight: 1 },
);
const name = fc.constantFrom(
  'name',
  'given',
  'gender',
  'photo',
  'deceased',
  'extension',
  'contained',
  'id',
  '__proto__',
);
const value = fc.constantFrom<object>(
  { valueString: 'y' },
  { valueDate: '2020' },
  { valueBoolean: true },
  { valueHumanName: { text: 'y' } },
  { _valueString: { id: 'y' } },
  { part: [{ name: 'url', valueUri: 'urn:y' }] },
  { resource: { resourceType: 'Basic', code: { text: 'y' } } },
  { valueCode: 'y' },
);
const index = fc.nat(3);
const pathOperation = fc.oneof(
  fc.record({ type: fc.constant('add'), path, name, value }),
  fc.record({ type: fc.constant('insert'), path, index, value }),
  fc.record({ type: fc.constant('delete'), path }),
  fc.record({ type: fc.constant('replace'), path, value }),
  fc.record({ type: fc.constant('move'), path, source: index, destination: index }),
);

const key = fc.constantFrom(
  'name',
  'given',
  '_given',
  '0',
  '1',
  '-',
  '4294967296',
  'length',
  '__proto__',
  'id',
  'meta',
  '',
  '~',
);
const pointer = fc.array(key, { maxLength: 4 }).map((keys) => keys.map((one) => `/${one}`).join(''));
const op = fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test');
const treeOperation = fc.record({ op, path: pointer, from: pointer, value: fc.jsonValue({ maxDepth: 2 }) });

/** The patched resource, or undefined where it was refused with 400 or 422. */
function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    expect([400, 422]).toContain(error.status);
    return undefined;
  }
}

test.each([
  ['fhirpath-patch', 100, fc.array(pathOperation, { minLength: 1, maxLength: 3 }).map((some) => parameters(...some))],
  ['json-patch', 100, fc.array(treeOperation, { maxLength: 4 })],
  ['merge-patch', 100, fc.dictionary(fc.constantFrom(...words), fc.jsonValue({ maxDepth: 3 }))],
  ['fhirpath-patch', 0, fc.jsonValue()],
  ['json-patch', 0, fc.jsonValue()],
  ['merge-patch', 0, fc.jsonValue()],
] as const)('%s, of which at least %i can be done', (kind, doneMin, documents) => {
  let done = 0;
  fc.assert(
    fc.property(documents as fc.Arbitrary<unknown>, (document) => {
      const result = attempt(() => patched(kind, document, patient));
      if (result === undefined) return;
      expect(result).toMatchObject(owned);
      done++;
    }),
    { seed: 43, numRuns: 2_000 },
  );
  expect(done).toBeGreaterThanOrEqual(doneMin);
  expect(Object.keys(Object.prototype)).toEqual([]);
});
