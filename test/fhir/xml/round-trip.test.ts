// What was JSON is the same JSON again after a way through XML: https://hl7.org/fhir/R4/formats.html

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { parseJson, serializeJson } from '../../../src/fhir/json.ts';
import { parseXml } from '../../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../../src/fhir/xml/serialize-xml.ts';
import { type Json, randomResource } from '../../validation/random-resource.ts';

const seed = 20_261_120;
const definitions = loadDefinitions();
const synthea = join(import.meta.dirname, '../../../../shared/data/synthea');
const bundles = existsSync(synthea) ? readdirSync(synthea).filter((name) => name.endsWith('.json')) : [];
if (bundles.length === 0) console.log('SKIPPED: Synthea bundles, for there is no folder ../shared/data/synthea.');

/** Throws where the text is not well-formed XML with namespaces. */
function checkWellFormed(xml: string): void {
  new SaxesParser({ xmlns: true }).write(xml).close();
}

function throughXml(json: string, options?: { pretty: boolean }): string {
  const { value, exactNumbers } = parseJson(json);
  const xml = serializeXml(value, definitions, exactNumbers, options);
  checkWellFormed(xml);
  const parsed = parseXml(xml, definitions);
  expect(serializeXml(parsed.value, definitions, parsed.exactNumbers, options)).toBe(xml);
  return serializeJson(parsed.value, parsed.exactNumbers);
}

/** Members of an object have no order in JSON, in XML they do. */
function sorted(json: string): string {
  return JSON.stringify(JSON.parse(json), (_key, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

describe('JSON -> XML -> JSON gives an equal resource', () => {
  test('every bundle of Synthea', () => {
    for (const name of bundles) {
      const json = readFileSync(join(synthea, name), 'utf8');
      expect(sorted(throughXml(json))).toBe(sorted(json));
    }
  });

  test('each of the 146 types', () => {
    expect(definitions.resourceTypes.size).toBe(146);
    for (const type of definitions.resourceTypes) {
      const json = JSON.stringify(randomResource(definitions, type, seed));
      expect(sorted(throughXml(json))).toBe(sorted(json));
    }
  });

  test('any resource by chance, alone and in a Bundle and in Parameters, on one line or on many', () => {
    const types = fc.constantFrom(...definitions.resourceTypes);
    const holders = fc.constantFrom<(resource: Json) => Json>(
      (resource) => resource,
      (resource) => ({ resourceType: 'Bundle', type: 'batch', entry: [{ resource }, { resource }] }),
      (resource) => ({ resourceType: 'Parameters', parameter: [{ name: 'x', part: [{ name: 'y', resource }] }] }),
    );
    fc.assert(
      fc.property(types, fc.integer(), holders, fc.boolean(), (type, chance, hold, pretty) => {
        const json = JSON.stringify(hold(randomResource(definitions, type, chance)));
        expect(sorted(throughXml(json, { pretty }))).toBe(sorted(json));
      }),
      { seed, numRuns: 400 },
    );
  });

  test('strings keep every character that XML can hold, white space at their ends too', () => {
    const special = fc.constantFrom(...' \t\n\r<>&"\'\u007f\u0085\u2028\ufffd');
    const any = fc.integer({ min: 0x20, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
    const character = fc.oneof(special, any).filter((one) => /^[^\ud800-\udfff\ufffe\uffff]$/u.test(one));
    const text = fc.array(character, { minLength: 1, maxLength: 12 }).map((characters) => characters.join(''));
    fc.assert(
      fc.property(text, (family) => {
        const json = JSON.stringify({ resourceType: 'Patient', name: [{ family, given: [family] }] });
        expect(throughXml(json)).toBe(json);
      }),
      { seed, numRuns: 500 },
    );
  });

  test('decimals keep their text, digit by digit: https://hl7.org/fhir/R4/datatypes.html#decimal', () => {
    const decimal = fc.stringMatching(/^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?$/);
    fc.assert(
      fc.property(decimal, decimal, (value, low) => {
        const json = `{"resourceType":"Observation","valueQuantity":{"value":${value}},"referenceRange":[{"low":{"value":${low}}}]}`;
        expect(throughXml(json)).toBe(json);
      }),
      { seed, numRuns: 500 },
    );
    expect(throughXml('{"resourceType":"Observation","valueQuantity":{"value":1.00}}')).toContain('1.00');
  });

  test('a resource as deep as JSON may be', () => {
    const item = (depth: number): string => `{"linkId":"${depth}"${depth > 1 ? `,"item":[${item(depth - 1)}]` : ''}}`;
    const json = `{"resourceType":"Questionnaire","item":[${item(31)}]}`;
    expect(throughXml(json)).toBe(json);
  });
});
