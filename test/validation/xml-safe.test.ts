// Whatever validation lets through can be written as XML, so that no write is refused after it was done: https://hl7.org/fhir/R4/xml.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseXml } from '../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../src/fhir/xml/serialize-xml.ts';
import { createStructureCheck } from '../../src/validation/structure.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { type Json, placesOf, randomResource } from './random-resource.ts';

const seed = 20_261_123;
const definitions = loadDefinitions();
const validate = createValidator(definitions);
/** Lets more through than all rules together, which chance hardly ever meets. */
const structureIssues = createStructureCheck(definitions);
const isValid = (resource: object) => validate(resource).every(({ severity }) => severity !== 'error');

/** Everything below the space, what Unicode counts as white space, what is no character, and halves of pairs. */
const odd = [
  ...Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(code)),
  ...'\u007f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff\ufdd0\ufffd\ufffe\uffff\ud800\udfff',
  ...['\u{1fffe}', '\u{10ffff}', '\u{1f600}', '&', '<', '>', '"', "'", ']]>', '&#0;', '&#xFFFF;', '&#x110000;', 'é'],
];

const wrong = ['\u0000', '\u000b', '\u000c', '\u001f', '\ufffe', '\uffff', '\ud800', '\udfff'];

describe('a character that XML 1.0 cannot hold is refused', () => {
  const codeOf = (character: string) => character.charCodeAt(0).toString(16);
  const row = (character: string) => [`U+${codeOf(character)}`, character] as const;

  test.each(wrong.map(row))('%s, in whatever element it stands', (_, character) => {
    const text = `a${character}b`;
    const extension = (value: object) => ({ resourceType: 'Basic', code: { text: 'x' }, extension: [value] });
    for (const type of ['String', 'Markdown', 'Code', 'Uri', 'Url', 'Canonical', 'Id', 'Base64Binary']) {
      const url = 'http://example.org/x';
      expect([type, isValid(extension({ url, [`value${type}`]: text }))]).toEqual([type, false]);
      expect(isValid(extension({ url, [`value${type}`]: `YWFh${character}YWFh` }))).toBe(false);
    }
    expect(isValid(extension({ url: `http://example.org/${text}`, valueBoolean: true }))).toBe(false);
    expect(isValid(extension({ id: text, url: 'http://example.org/x', valueBoolean: true }))).toBe(false);
  });

  test.each([
    '&#0;',
    '&#8;',
    '&#11;',
    '&#xb;',
    '&#xFFFE;',
    '&#65535;',
    '&#xD800;',
    '&#xdfff;',
    '&#x110000;',
    '&#9999999;',
  ])('%s in a narrative', (reference) => {
    const div = (content: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${content}</div>`;
    for (const content of [`x${reference}`, `<p title="${reference}">x</p>`, `<a href="${reference}">x</a>`]) {
      expect(isValid({ resourceType: 'Patient', text: { status: 'generated', div: div(content) } })).toBe(false);
    }
    const stays = div('x&#9;&#xA;&#160;&#x1F600;&#xE000;&#xFFFD;&#x10FFFF;');
    expect(isValid({ resourceType: 'Patient', text: { status: 'generated', div: stays } })).toBe(true);
  });

  test('and white space that is none in XML, between the attributes of a narrative', () => {
    for (const space of ['\u00a0', '\u2028', '\ufeff', '\u3000']) {
      const start = '<div xmlns="http://www.w3.org/1999/xhtml"';
      for (const div of [`<div${space}xmlns="http://www.w3.org/1999/xhtml">x</div>`, `${start}${space}>x</div>`]) {
        expect([div, isValid({ resourceType: 'Patient', text: { status: 'generated', div } })]).toEqual([div, false]);
      }
    }
  });
});

/** Puts the text into the member that is chosen of all that hold a text, and says whether there is one. */
function plant(resource: Json, chance: number, change: (before: string) => string): boolean {
  const texts = placesOf(definitions, resource).flatMap(({ node }) =>
    Object.entries(node).flatMap(([key, value]) =>
      typeof value === 'string' && key !== 'resourceType' ? [{ node, key, value }] : [],
    ),
  );
  const chosen = texts[Math.floor(chance * texts.length)];
  if (!chosen) return false;
  chosen.node[chosen.key] = change(chosen.value);
  return true;
}

test(`any resource with any characters anywhere that is well built is XML (seed ${seed})`, () => {
  let acceptedCount = 0;
  const character = fc.oneof(fc.constantFrom(...odd), fc.integer({ min: 0, max: 0xffff }).map(String.fromCharCode));
  const characters = fc.array(character, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''));
  const types = fc.constantFrom(...definitions.resourceTypes);
  const chance = fc.noBias(fc.integer({ min: 0, max: 999 })).map((n) => n / 1_000);
  const property = fc.property(types, fc.integer(), chance, chance, characters, (type, one, where, at, planted) => {
    const resource = randomResource(definitions, type, one);
    if (at < 0.3) resource.text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
    const insert = (before: string) => {
      const place = Math.round(at * before.length);
      return before.slice(0, place) + planted + before.slice(place);
    };
    if (!plant(resource, where, insert) || structureIssues(resource).length > 0) return;
    acceptedCount++;
    const xml = serializeXml(resource, definitions);
    expect(parseXml(xml, definitions).value).toMatchObject({ resourceType: type });
  });
  fc.assert(property, { seed, numRuns: 4_000 });
  expect(acceptedCount).toBeGreaterThan(400);
});
