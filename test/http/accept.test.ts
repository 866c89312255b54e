// Which of its media types the server takes from an Accept header: RFC 9110 section 12.5.1

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { preferredMediaType } from '../../src/http/accept.ts';
import { mediaTypes } from '../../src/http/media-type.ts';

const seed = 20_260_731;
const offers = [...mediaTypes.keys()];

describe('an Accept header names what is answered (https://hl7.org/fhir/R4/http.html#mime-type)', () => {
  test.each([
    ['application/fhir+json', 'application/fhir+json'],
    ['application/fhir+xml', 'application/fhir+xml'],
    ['Application/FHIR+XML; charset=UTF-8', 'application/fhir+xml'],
    ['application/fhir+xml;fhirVersion=4.0', 'application/fhir+xml'],
    ['application/fhir+xml;fhirVersion="4.0"', 'application/fhir+xml'],
    ['application/json', 'application/json'],
    ['text/xml', 'text/xml'],
    ['xml', 'application/fhir+xml'],
    ['*/*', 'application/fhir+json'],
    ['*', 'application/fhir+json'],
    ['application/*', 'application/fhir+json'],
    ['text/*', 'text/json'],
    ['text/html, */*;q=0.1', 'application/fhir+json'],
    ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'application/fhir+json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/xml'],
    ['application/fhir+json;q=0.5, application/fhir+xml', 'application/fhir+xml'],
    ['application/fhir+json, application/fhir+xml', 'application/fhir+json'],
    ['application/fhir+xml, application/fhir+json', 'application/fhir+xml'],
    ['*/*, application/fhir+xml', 'application/fhir+xml'],
    ['application/*;q=0.9, application/fhir+json;q=0', 'application/fhir+xml'],
    ['application/fhir+xml;q=0.9, application/fhir+xml;fhirVersion=3.0', 'application/fhir+xml'],
    ['application/json;profile="a, b;q=0"', 'application/json'],
    ['application/json;odata=verbose', 'application/json'],
  ])('%s: %s', (accept, expected) => expect(preferredMediaType(accept)).toBe(expected));

  test.each([
    'text/html',
    'image/*',
    'application/json2',
    ',',
    'q=1',
    ';',
    '*/*;q=0',
    '*/*;q=0.000',
    '*/*;q=2',
    '*/*;q=x',
    'application/fhir+json;fhirVersion=3.0',
    'application/fhir+json;fhirVersion=5.0',
    'application/fhir+json;charset=iso-8859-1',
  ])('%s takes nothing of this server', (accept) => expect(preferredMediaType(accept)).toBeUndefined());
});

interface Range {
  readonly name: string;
  readonly quality: number;
}

const range: fc.Arbitrary<Range> = fc.record({
  name: fc.constantFrom(...offers, 'application/*', 'text/*', 'image/*', '*/*', 'text/html'),
  quality: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
});
const ranges = fc.uniqueArray(range, { maxLength: 6, selector: ({ name }) => name });

/** RFC 9110: the range that says most about a type gives it its quality. */
function qualityOf(offer: string, accepted: readonly Range[]): number {
  const names = [offer, `${offer.split('/')[0]}/*`, '*/*'];
  const closest = names.map((name) => accepted.find((one) => one.name === name)).find((one) => one !== undefined);
  return closest?.quality ?? 0;
}

const header = (accepted: readonly Range[]) => accepted.map(({ name, quality }) => `${name};q=${quality}`).join(', ');

describe('for any list of ranges (RFC 9110 section 12.5.1)', () => {
  test('no other type has a higher quality, and one of quality 0 is never taken', () => {
    fc.assert(
      fc.property(ranges, (accepted) => {
        const best = Math.max(...offers.map((offer) => qualityOf(offer, accepted)));
        const chosen = preferredMediaType(header(accepted));
        if (best === 0) expect(chosen).toBeUndefined();
        else expect(qualityOf(chosen as string, accepted)).toBe(best);
      }),
      { seed },
    );
  });

  test('the order of ranges of different quality changes nothing', () => {
    const different = fc.uniqueArray(range, { maxLength: 6, selector: ({ quality }) => quality });
    fc.assert(
      fc.property(different, (accepted) => {
        const distinct = accepted.filter((one, index) => accepted.findIndex(({ name }) => name === one.name) === index);
        const chosen = preferredMediaType(header(distinct));
        expect(preferredMediaType(header(distinct.toReversed()))).toBe(chosen);
      }),
      { seed },
    );
  });

  test('any text gives a type of this server or none', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a/*;,=q"\\ .01+') }), (text) => {
        expect([...offers, undefined]).toContain(preferredMediaType(text));
      }),
      { seed, numRuns: 1_000 },
    );
  });
});
