// Resources that are no R4, each with what must be said of it and where: https://hl7.org/fhir/R4/validation.html

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createStructureCheck } from '../../src/validation/structure.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { clinicals } from './invalid-resources/clinical.ts';
import { exchanges } from './invalid-resources/exchange.ts';
import { medications } from './invalid-resources/medication.ts';
import { narratives } from './invalid-resources/narratives.ts';
import { people } from './invalid-resources/people.ts';
import type { InvalidRow } from './invalid-resources/row.ts';
import { sampleOf, samples } from './invalid-resources/samples.ts';
import { workflows } from './invalid-resources/workflow.ts';

const definitions = loadDefinitions();
const structureIssues = createStructureCheck(definitions);
const validate = createValidator(definitions);
const rows: readonly InvalidRow[] = [
  ...people,
  ...clinicals,
  ...medications,
  ...workflows,
  ...exchanges,
  ...narratives,
];

describe('what the tables begin with is valid', () => {
  test.each(Object.keys(samples))('%s', (type) => {
    expect(validate(sampleOf(type))).toEqual([]);
  });
});

describe('each fault is found with its code at its place, and nothing else', () => {
  test.each(rows)('%s %j', (type, change, ...expected) => {
    const resource = sampleOf(type, change);
    const found = structureIssues(resource).map(({ severity, code, expression }) => {
      expect(severity).toBe('error');
      return `${code} ${expression?.[0]}`;
    });
    expect(found.sort()).toEqual([...expected].sort());
    const all = validate(resource).map(({ code, expression }) => `${code} ${expression?.[0]}`);
    expect(all).toEqual(expect.arrayContaining([...expected]));
  });

  test('there are at least 300 of them, of at least 60 types', () => {
    expect(rows.length).toBeGreaterThanOrEqual(300);
    expect(new Set(rows.map(([type]) => type)).size).toBeGreaterThanOrEqual(60);
  });
});
