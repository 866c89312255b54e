// What is accepted as a narrative can be written as XML too, and no browser runs it: https://hl7.org/fhir/R4/narrative.html#xhtml

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { narrativeForXml } from '../../src/fhir/xml/xhtml.ts';
import { narrativeFault } from '../../src/validation/narrative.ts';

const seed = 20_261_120;
const xmlns = 'xmlns="http://www.w3.org/1999/xhtml"';

const pieces = fc.constantFrom(
  ...[
    'x',
    ' ',
    '<p>',
    '</p>',
    '<br/>',
    '<b class="a">',
    '</b>',
    '&amp;',
    '&#160;',
    '&nbsp;',
    '&',
    '<!-- a -->',
    '<![CDATA[<]]>',
  ],
  ...[
    '<img src="#a" alt="b"/>',
    '<a href="x">',
    '</a>',
    ']]>',
    '<',
    '>',
    '"',
    '<p a="1" a="2">',
    "<td colspan='2'>",
    '</td>',
    '--',
    'ä',
    '\u0001',
  ],
);

function isXml(div: string): boolean {
  try {
    narrativeForXml(div, (fault) => {
      throw new Error(fault);
    });
    return true;
  } catch {
    return false;
  }
}

test(`what is accepted is well-formed, whatever it is made of (seed ${seed})`, () => {
  let acceptedCount = 0;
  const property = fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
    const div = `<div ${xmlns}>${parts.join('')}</div>`;
    if (narrativeFault(div) !== undefined) return;
    acceptedCount++;
    expect([div, isXml(div)]).toEqual([div, true]);
  });
  fc.assert(property, { seed, numRuns: 5_000 });
  expect(acceptedCount).toBeGreaterThan(100);
});

test('what is refused as not well-formed is no XML either', () => {
  const property = fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
    const div = `<div ${xmlns}>${parts.join('')}</div>`;
    if (narrativeFault(div)?.includes('well-formed')) expect([div, isXml(div)]).toEqual([div, false]);
  });
  fc.assert(property, { seed, numRuns: 5_000 });
});

test.each([
  ...[
    'javascript:a()',
    ' javascript:a()',
    'JaVaScRiPt:a()',
    '&#106;avascript:a()',
    '&#x6A;avascript:a()',
    'vbscript:a()',
  ],
  ...['java\tscript:a()', 'java&#10;script:a()'],
])('a link to %j is active content', (href) => {
  expect(narrativeFault(`<div ${xmlns}><a href="${href}">x</a></div>`)).toContain('active');
});

test('a million characters of any kind take linear time', () => {
  const million = 1_000_000;
  for (const part of [' ', '<', '<a ', '&', '<p ', '<!--', '<p a="', "<p a='b' "]) {
    expect(narrativeFault(`<div ${xmlns}>${part.repeat(million / part.length)}</div>`)).toBeDefined();
    expect(narrativeFault(`<div ${part.repeat(million / part.length)}`)).toBeDefined();
  }
  for (const part of ['"', 'a=', 'x', "'"]) {
    expect(narrativeFault(`<div ${xmlns}>${part.repeat(million / part.length)}</div>`)).toBeUndefined();
    expect(narrativeFault(`<div ${part.repeat(million / part.length)}`)).toBeDefined();
  }
});
