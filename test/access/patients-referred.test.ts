// Whose record a resource is of, read off its text, is what its references say: https://hl7.org/fhir/R4/references.html

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { patientsReferred } from '../../src/access/patients-referred.ts';

const id = fc.stringMatching(/^[A-Za-z0-9\-.]{1,64}$/);
const target = fc.oneof(
  id.map((one) => `Patient/${one}`),
  fc.tuple(id, fc.nat()).map(([one, version]) => `Patient/${one}/_history/${version}`),
  id.map((one) => `Practitioner/${one}`),
  id.map((one) => `https://example.test/fhir/Patient/${one}`),
  id.map((one) => `#Patient/${one}`),
  fc.string(),
);
/** Texts that look like what is looked for, where no reference is. */
const text = fc.oneof(
  fc.string(),
  id.map((one) => `"reference":"Patient/${one}"`),
  id.map((one) => `<div>"reference": "Patient/${one}"</div>`),
  id.map((one) => `Patient/${one}`),
);
const { resource } = fc.letrec((tie) => ({
  element: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.record({ reference: target, display: text }, { requiredKeys: [] }),
    fc.array(tie('element'), { maxLength: 3 }),
    tie('resource'),
  ),
  resource: fc.dictionary(fc.constantFrom('subject', 'contained', 'extension', 'valueString', 'name'), tie('element')),
}));

test('each patient of a reference is found, wherever it stands, and none that only a text names', () => {
  fc.assert(
    fc.property(resource, fc.boolean(), (one, isSpaced) => {
      const json = JSON.stringify(one, undefined, isSpaced ? 2 : undefined);
      const expected = referencesIn(one).flatMap(
        (reference) => /^(Patient\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/\d+)?$/.exec(reference)?.[1] ?? [],
      );
      expect(patientsReferred(json)).toEqual(expected);
      expect(patientsReferred(Buffer.from(json))).toEqual(expected);
    }),
    { seed: 20_261_121, numRuns: 2_000 },
  );
});

function referencesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'reference' && typeof value === 'string' ? [value] : referencesIn(value),
  );
}
