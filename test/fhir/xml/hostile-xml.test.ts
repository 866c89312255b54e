// Hostile XML ends in a 400 before it costs anything; no DTD is processed and nothing is fetched: https://hl7.org/fhir/R4/xml.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { parseXml } from '../../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../../src/fhir/xml/serialize-xml.ts';
import { TreeBuilder } from '../../../src/fhir/xml/tree-builder.ts';
import { randomResource } from '../../validation/random-resource.ts';

const definitions = loadDefinitions();
const root = '<Patient xmlns="http://hl7.org/fhir">';
const div = '<div xmlns="http://www.w3.org/1999/xhtml">';

function refusal(xml: string): string {
  try {
    parseXml(xml, definitions);
  } catch (error) {
    if (error instanceof FhirError && error.status === 400) return error.message;
    throw error;
  }
  return 'accepted';
}

function withFamily(value: string): string {
  return `${root}<name><family value="${value}"/></name></Patient>`;
}

const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

describe('documents type definitions, entities, instructions', () => {
  test.each([
    ['billion laughs', `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>${withFamily('&l9;')}`, 'a DOCTYPE'],
    [
      'quadratic blow-up',
      `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(100_000)}">]>${withFamily('&a;'.repeat(1000))}`,
      'a DOCTYPE',
    ],
    ['external entity', `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${withFamily('&a;')}`, 'a DOCTYPE'],
    ['parameter entity', `<!DOCTYPE x [<!ENTITY % a SYSTEM "http://x/x.dtd"> %a;]>${withFamily('a')}`, 'a DOCTYPE'],
    ['external DTD', `<!DOCTYPE Patient SYSTEM "http://x/x.dtd">${withFamily('a')}`, 'a DOCTYPE'],
    ['DTD in the middle', `${root}<!DOCTYPE x></Patient>`, 'doctype'],
    ['DTD without end', `<!DOCTYPE x [${'<!ENTITY a "a">'.repeat(100_000)}`, 'document must contain a root element'],
    ['unknown entity', withFamily('&nbsp;'), 'undefined entity'],
    ["entity by the name of an object's member", withFamily('&constructor;'), 'undefined entity'],
    ['style sheet', `<?xml-stylesheet href="http://x"?>${withFamily('a')}`, 'a processing instruction'],
    ['instruction inside', `${root}<?a b?></Patient>`, 'a processing instruction'],
    ['declaration inside', `${root}<?xml version="1.0"?></Patient>`, 'XML declaration'],
    ['another encoding', `<?xml version="1.0" encoding="UTF-16"?>${withFamily('a')}`, 'another encoding than UTF-8'],
  ])('%s', (_name, xml, fault) => {
    expect(refusal(xml)).toContain(fault);
  });

  test('XInclude by its namespace, whatever its prefix', () => {
    const include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>';
    expect(refusal(`${root}${include}</Patient>`)).toBe('Patient has no element include.');
    expect(refusal(include)).toContain('must be of the namespace');
  });
});

describe('sizes', () => {
  const attributes = (write: (i: number) => string) => Array.from({ length: 1_000_000 }, (_, i) => write(i)).join('');

  test.each([
    ['attributes', attributes((i) => ` a${i}="1"`)],
    ['declarations of namespaces', attributes((i) => ` xmlns:a${i}="http://${i}"`)],
  ])('a million %s', (_name, text) => {
    expect(refusal(`<Patient xmlns="http://hl7.org/fhir"${text}/>`)).toContain(
      'more than 64 attributes of one element',
    );
    expect(refusal(`${root}<text><status value="generated"/>${div}<p${text}/>`)).toContain('more than 64 attributes');
  });

  test.each([
    ['unknown elements', `${root}${'<a>'.repeat(100_000)}`, 'Patient has no element a'],
    ['items', `<Questionnaire xmlns="http://hl7.org/fhir">${'<item>'.repeat(100_000)}`, 'nested deeper than 64 levels'],
    ['extensions', `${root}${'<extension url="x">'.repeat(100_000)}`, 'nested deeper than 64 levels'],
    [
      'extensions of values',
      `${root}<active>${'<extension url="x"><valueCode>'.repeat(100_000)}`,
      'nested deeper than 64',
    ],
    ['resources', `${root}${'<contained><Patient>'.repeat(100_000)}`, 'nested deeper than 64 levels'],
    ['XHTML', `${root}<text><status value="generated"/>${div}${'<b>'.repeat(100_000)}`, 'nested deeper than 64 levels'],
  ])('a hundred thousand levels of %s', (_name, xml, fault) => {
    expect(refusal(xml)).toContain(fault);
  });

  test('more decimals with texts to keep than memory should hold', () => {
    const component = '<component><valueQuantity><value value="1.0"/></valueQuantity></component>';
    const xml = `<Observation xmlns="http://hl7.org/fhir">${component.repeat(150_000)}</Observation>`;
    expect(refusal(xml)).toContain('one decimal too many whose text must be kept');
  });

  test('more elements than there may be', () => {
    const builder = new TreeBuilder(definitions, { elementsMax: 1_000 });
    const tag = (local: string, attributes = {}) => {
      builder.open({
        name: local,
        local,
        prefix: '',
        uri: 'http://hl7.org/fhir',
        attributes,
        ns: {},
        isSelfClosing: true,
      });
    };
    tag('Patient');
    tag('name');
    const value = { name: 'value', local: 'value', prefix: '', uri: '', value: 'a' };
    for (let i = 2; i < 1_000; i++) {
      tag('given', { value });
      builder.close();
    }
    expect(() => tag('given', { value })).toThrow('The XML has more than 1000 elements.');
  });

  test('a value of white space and digits is looked at once', () => {
    const spaces = ' '.repeat(5_000_000);
    expect(refusal(`${root}<active value="${spaces}"/>`)).toBe('Patient.active has an empty attribute value.');
    const inside = parseXml(`${root}<gender value="a${spaces}b "/></Patient>`, definitions).value;
    expect(inside).toEqual({ resourceType: 'Patient', gender: `a${spaces}b` });
    const digits = '9'.repeat(5_000_000);
    expect(parseXml(`${root}<multipleBirthInteger value="${digits}"/></Patient>`, definitions).value).toEqual({
      resourceType: 'Patient',
      multipleBirthInteger: digits,
    });
  });

  test('long names, comments and references are read once', () => {
    const long = 'a'.repeat(5_000_000);
    expect(refusal(`<${long}`)).toContain('The XML cannot be accepted');
    expect(refusal(`${root}<!--${long}`)).toContain('unclosed tag');
    expect(refusal(withFamily(`&${long}`))).toContain('The XML cannot be accepted');
    expect(refusal(withFamily(`&${long};`))).toContain('undefined entity');
    expect(refusal(`${root}<${long} xmlns="x"/>`)).toBe('Patient has no element of this name.');
  });
});

describe('malformed text', () => {
  test.each([
    ['', 'document must contain a root element at line 1, column 1.'],
    [' \n', 'document must contain a root element'],
    ['{"resourceType":"Patient"}', 'text data outside of root node'],
    ['<', 'document must contain a root element'],
    [root, 'unclosed tag at line 1'],
    [`${root}\n<active value="true"></Patient>`, 'unexpected close tag at line 2'],
    [`${root}</Patient></Patient>`, 'unmatched closing tag'],
    [`${root}</Patient>${root}</Patient>`, 'only one root'],
    [`${root}</Patient>x`, 'text data outside of root node'],
    [`${root}<active value="true" value="true"/></Patient>`, 'duplicate attribute'],
    [`${root}<active xmlns:a="x" xmlns:b="x" a:y="1" b:y="1"/></Patient>`, 'duplicate attribute'],
    [`${root}<active value=true/></Patient>`, 'unquoted attribute value'],
    [`${root}<active value/></Patient>`, 'disallowed character in attribute name'],
    [withFamily('<'), 'disallowed character'],
    [withFamily('&'), 'unclosed tag'],
    [withFamily('\u0001'), 'disallowed character'],
    [withFamily('\uffff'), 'disallowed character'],
    [withFamily('\ud800'), 'half a surrogate pair'],
    [withFamily('\udc00\ud800'), 'half a surrogate pair'],
    [withFamily('&#0;'), 'malformed character entity'],
    [withFamily('&#1;'), 'malformed character entity'],
    [withFamily('&#xD800;'), 'malformed character entity'],
    [withFamily('&#xD83D;&#xDE00;'), 'malformed character entity'],
    [withFamily('&#x110000;'), 'malformed character entity'],
    [withFamily(`&#x${'f'.repeat(1000)};`), 'malformed character entity'],
    [withFamily('&#-1;'), 'malformed character entity'],
    [`<?xml version="1.1"?>${withFamily('&#1;')}`, 'malformed character entity'],
    [`${root}<!-- a -- b --></Patient>`, 'malformed comment'],
    [`${root}<a:active value="true"/></Patient>`, 'unbound namespace prefix'],
    [`${root}<active xmlns:xml="http://x" value="true"/></Patient>`, 'xml prefix must be bound'],
    [`${root}<text><status value="generated"/>${div}<![CDATA[`, 'unclosed tag'],
  ])('case %#', (xml, fault) => {
    expect(refusal(xml)).toContain(fault);
  });

  test.each([
    `${root}<Mrs.Jones/></Patient>`,
    `${root}</Mrs.Jones>`,
    `${root}<active Mrs.Jones="1" Mrs.Jones="2"/>`,
    `${root}<Mrs.Jones:a/></Patient>`,
    withFamily('&Mrs.Jones;'),
    `${root}<!DOCTYPE Mrs.Jones></Patient>`,
    `${root}<?Mrs.Jones?></Patient>`,
    `${root}Mrs.Jones</Patient>`,
  ])('nothing of the document that is no element name of FHIR is repeated: %s', (xml) => {
    expect(refusal(xml)).not.toMatch(/Jones|^accepted/);
  });
});

test('a document broken by chance is taken, or refused with 400 and nothing else', () => {
  const types = fc.constantFrom(...definitions.resourceTypes);
  const pieces = fc.constantFrom(
    '',
    '<',
    '>',
    '/>',
    '"',
    '&',
    '&#x0;',
    ' ',
    'a',
    '<a>',
    '</',
    '<!--',
    ']]>',
    '<?',
    '\0',
    ':',
    'xmlns=""',
  );
  const breaks = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 30 }), pieces), { minLength: 1, maxLength: 3 });
  let refused = 0;
  fc.assert(
    fc.property(types, fc.integer(), breaks, (type, chance, places) => {
      let xml = serializeXml(randomResource(definitions, type, chance), definitions);
      for (const [place, length, piece] of places) {
        const start = place % xml.length;
        xml = xml.slice(0, start) + piece + xml.slice(start + length);
      }
      if (refusal(xml) !== 'accepted') refused++;
    }),
    { seed: 20_261_120, numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(500);
});
