// A resource as XML: order, forms, escapes, and what XML cannot hold: https://hl7.org/fhir/R4/xml.html

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { parseJson } from '../../../src/fhir/json.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { parseXml } from '../../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../../src/fhir/xml/serialize-xml.ts';

const definitions = loadDefinitions();
const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
const xhtml = 'xmlns="http://www.w3.org/1999/xhtml"';

function contentOf(resource: unknown): string {
  const xml = serializeXml(resource, definitions);
  const [, content] = /^<\?xml version="1.0" encoding="UTF-8"\?><\w+ xmlns="http:\/\/hl7.org\/fhir">(.*)<\/\w+>$/s.exec(
    xml,
  )!;
  return content!;
}

function narrated(div: string): unknown {
  return { resourceType: 'Patient', text: { status: 'generated', div } };
}

function refusal(resource: unknown): FhirError {
  try {
    serializeXml(resource, definitions);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error('It was written.');
}

describe('the form of the specification', () => {
  test('the declaration, the type as root, the namespace, and elements in the order of the definitions', () => {
    const resource = {
      birthDate: '1980-02-29',
      active: true,
      id: 'a',
      resourceType: 'Patient',
      name: [{ given: ['B', 'C'], family: 'A' }],
    };
    expect(serializeXml(resource, definitions)).toBe(
      `${declaration}<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/>` +
        '<name><family value="A"/><given value="B"/><given value="C"/></name><birthDate value="1980-02-29"/></Patient>',
    );
  });

  test('ids of elements and urls of extensions are attributes; a primitive holds its extensions', () => {
    const birth = { id: 'b', extension: [{ url: 'http://x', id: 'e', valueString: 'Easter' }] };
    expect(contentOf({ resourceType: 'Patient', birthDate: '1970-03-30', _birthDate: birth })).toBe(
      '<birthDate id="b" value="1970-03-30"><extension id="e" url="http://x"><valueString value="Easter"/></extension></birthDate>',
    );
  });

  test('null fills lists of primitives: https://hl7.org/fhir/R4/json.html#primitive', () => {
    const name = { given: ['A', null], _given: [null, { extension: [{ url: 'http://x', valueCode: 'unknown' }] }] };
    expect(contentOf({ resourceType: 'Patient', name: [name] })).toBe(
      '<name><given value="A"/><given><extension url="http://x"><valueCode value="unknown"/></extension></given></name>',
    );
  });

  test('resources inside resources stand in an element of their type', () => {
    const contained = [{ resourceType: 'Organization', id: 'o', name: 'O' }];
    expect(contentOf({ resourceType: 'Patient', contained })).toBe(
      '<contained><Organization><id value="o"/><name value="O"/></Organization></contained>',
    );
  });

  test('pretty: a line for each element, narratives as they are', () => {
    const resource = { ...(narrated(`<div ${xhtml}>a <b>b</b>\n</div>`) as object), name: [{ family: 'A' }] };
    expect(serializeXml(resource, definitions, undefined, { pretty: true })).toBe(
      [
        declaration,
        '<Patient xmlns="http://hl7.org/fhir">',
        '  <text>',
        '    <status value="generated"/>',
        `    <div ${xhtml}>a <b>b</b>`,
        '</div>',
        '  </text>',
        '  <name>',
        '    <family value="A"/>',
        '  </name>',
        '</Patient>',
      ].join('\n'),
    );
  });

  test('a resource with nothing in it', () => {
    expect(serializeXml({ resourceType: 'Patient' }, definitions)).toBe(
      `${declaration}<Patient xmlns="http://hl7.org/fhir"/>`,
    );
  });

  test('numbers: the exact text where the tree still holds its number, else the number', () => {
    const { value, exactNumbers } = parseJson('{"resourceType":"Observation","valueQuantity":{"value":1.00}}');
    expect(serializeXml(value, definitions, exactNumbers)).toContain('<value value="1.00"/>');
    expect(serializeXml(value, definitions)).toContain('<value value="1"/>');
    const changed = { resourceType: 'Observation', valueQuantity: { value: 2 } };
    expect(serializeXml(changed, definitions, exactNumbers)).toContain('<value value="2"/>');
  });
});

describe('text', () => {
  test('markup is escaped, and white space that parsers would change', () => {
    expect(contentOf({ resourceType: 'Patient', name: [{ family: '<&>"\'\t\n\r \u{1f600}' }] })).toBe(
      '<name><family value="&lt;&amp;&gt;&quot;\'&#9;&#10;&#13; \u{1f600}"/></name>',
    );
  });

  test.each([
    ['\u0001', 'U+0001'],
    ['\u000b', 'U+000B'],
    ['\ufffe', 'U+FFFE'],
    ['\uffff', 'U+FFFF'],
    ['\ud800', 'U+D800'],
  ])('XML 1.0 section 2.2: %j has no place in XML, so the answer is 406 and names the element', (character, name) => {
    const error = refusal({ resourceType: 'Patient', name: [{ given: ['A', `secret${character}`] }] });
    expect(error.status).toBe(406);
    expect(error.issues[0]?.expression).toEqual(['Patient.name[0].given[1]']);
    expect(error.message).toContain(name);
    expect(error.message).not.toContain('secret');
  });
});

describe('narratives', () => {
  test('go letter by letter, with comments, references and quotes of either kind', () => {
    const div = `<div ${xhtml} title='"'>&#160;&lt;<!-- c --><p\nid="a">\r\n<br/></p><![CDATA[<]]></div>`;
    expect(contentOf(narrated(div))).toBe(`<text><status value="generated"/>${div}</text>`);
    expect(parseXml(serializeXml(narrated(div), definitions), definitions).value).toEqual(narrated(div));
  });

  test.each(['<div>a</div>', '<div class="x=>">a</div>', '<div/>', ' <div\n>a</div>\n'])(
    '%j gets the namespace that JSON let it leave out',
    (div) => {
      expect(contentOf(narrated(div))).toContain(div.trim().replace('<div', `<div ${xhtml}`));
    },
  );

  test.each([
    [`<div ${xhtml}>a`, 'unclosed tag'],
    [`<div ${xhtml}><br></div>`, 'unexpected close tag'],
    [`<div ${xhtml}>&nbsp;</div>`, 'undefined entity'],
    [`<div ${xhtml}>a</div></text><active value="false"/><text>`, 'unmatched closing tag'],
    [`<div ${xhtml}>a</div><div ${xhtml}>a</div>`, 'documents may contain only one root'],
    [`<p ${xhtml}>a</p>`, 'another element than div'],
    ['<div xmlns="http://x">a</div>', 'not of the namespace'],
    [`<div ${xhtml}><i xmlns="http://www.w3.org/2001/XInclude"/></div>`, 'not of the namespace'],
    [`<div ${xhtml} xmlns:l="http://l" l:href="x">a</div>`, 'an attribute of another namespace'],
    [`<!DOCTYPE div><div ${xhtml}>a</div>`, 'a DOCTYPE'],
    [`<?xml version="1.0"?><div ${xhtml}>a</div>`, 'an XML declaration'],
    [`<div ${xhtml}><?php a ?></div>`, 'a processing instruction'],
    [`<div ${xhtml}>\u0001</div>`, 'disallowed character'],
    [`<div ${xhtml}>${'<b>'.repeat(100_000)}`, 'XHTML nested deeper than 64 levels'],
    ['text', 'text data outside of root node'],
  ])('a narrative that is no XHTML is answered with 406: case %#', (div, fault) => {
    const error = refusal(narrated(div));
    expect(error.status).toBe(406);
    expect(error.issues[0]?.expression).toEqual(['Patient.text.div']);
    expect(error.message).toContain(fault);
  });
});

test.each([
  [{ resourceType: 'Patient', nothing: 1 }],
  [{ resourceType: 'Patient', name: {} }],
  [{ resourceType: 'Patient', active: {} }],
  [{ resourceType: 'Nothing' }],
  [[]],
])('a tree that is no valid resource is a fault of the caller: %j', (tree) => {
  expect(() => serializeXml(tree, definitions)).toThrow(TypeError);
});
