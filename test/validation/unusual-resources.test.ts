// Unusual resources that R4 allows are accepted and come back as they were, in both formats: https://hl7.org/fhir/R4/formats.html

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseJson, serializeJson } from '../../src/fhir/json.ts';
import { parseXml } from '../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../src/fhir/xml/serialize-xml.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { sampleOf } from './invalid-resources/samples.ts';
import { toJson, type UnusualRow } from './unusual-resources/row.ts';
import { shapes } from './unusual-resources/shapes.ts';
import { values } from './unusual-resources/values.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const rows: readonly UnusualRow[] = [...values, ...shapes];

describe('is valid, and the same after JSON and after XML', () => {
  test.each(rows.map(([type, change]) => [type, toJson(change).slice(0, 200), change] as const))(
    '%s %s',
    (type, _title, change) => {
      const text = toJson(sampleOf(type, change));
      const { value, exactNumbers } = parseJson(text);
      expect(validate(value)).toEqual([]);
      expect(serializeJson(value, exactNumbers)).toBe(text);
      const xml = serializeXml(value, definitions, exactNumbers);
      const fromXml = parseXml(xml, definitions);
      expect(fromXml.value).toEqual(value);
      expect(new Map(fromXml.exactNumbers)).toEqual(new Map(exactNumbers));
    },
  );

  test('there are at least 300 of them', () => {
    expect(rows.length).toBeGreaterThanOrEqual(300);
  });
});
