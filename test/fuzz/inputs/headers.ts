// The headers a request is steered by, each by its own grammar: RFC 9110 sections 5.6, 12.5 and 13.1, RFC 7240

import fc from 'fast-check';

export type Headers = Readonly<Record<string, string>>;

const listOf = (items: readonly string[], separators: readonly string[] = [',', ', ', ',,', ' ', ';']) =>
  fc
    .array(fc.tuple(fc.constantFrom(...items), fc.constantFrom(...separators)), { minLength: 1, maxLength: 6 })
    .map((all) => all.map((pair) => pair.join('')).join(''));

const ranges = [
  'application/fhir+json',
  'application/fhir+xml',
  '*/*',
  'application/*',
  'json',
  'xml',
  '*',
  'text/html',
  'application/json;q=0.5',
  'application/fhir+json; fhirVersion=4.0',
  'application/xml;q=0',
  'a/b;q="1',
  'x;q=2',
  'application/json; charset=utf-8',
  'application/json; charset=latin1',
];
const tags = ['W/"1"', '"2"', 'W/"0"', '*', 'W/"999999999"', 'W/"9999999999"', 'W/"', '""', '1', 'w/"1"'];
const preferences = [
  'return=minimal',
  'return=representation',
  'return="OperationOutcome"',
  'handling=strict',
  'handling=lenient',
  'respond-async',
  'RETURN=x',
  'return',
  'a="\\"',
  'wait=10',
];
const times = [
  'Fri, 20 Nov 2026 10:00:00 GMT',
  'Friday, 20-Nov-26 10:00:00 GMT',
  'Fri Nov 20 10:00:00 2026',
  '2026-11-20',
  '0',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'Fri, 99 Nov 9999 99:99:99 GMT',
  'Mon, ',
];

const grammars: Readonly<Record<string, fc.Arbitrary<string>>> = {
  Accept: listOf(ranges),
  'Content-Type': listOf(ranges, ['', ';', '; ']),
  Prefer: listOf(preferences),
  'If-Match': listOf(tags),
  'If-None-Match': listOf(tags),
  'If-Modified-Since': fc.constantFrom(...times),
  'Accept-Encoding': listOf(['gzip', 'br', 'deflate', 'identity;q=0', '*;q=0', 'x', 'gzip;q=9']),
  'If-None-Exist': fc.constantFrom(
    'identifier=a|b',
    'name=x&birthdate=2026',
    'x',
    '',
    '%zz',
    '_id=1&_id=2',
    'identifier=%00',
  ),
  'Idempotency-Key': fc.constantFrom('a', 'k'.repeat(300), '', '"a"', 'a b', '\u00e9'),
  'X-Purpose-Of-Use': fc.constantFrom('BTG', 'TREAT', '', 'btg, TREAT', 'http://x|BTG'),
  Origin: fc.constantFrom('null', 'https://app.example', 'https://app.example.evil', 'x'),
  Range: fc.constantFrom('bytes=0-1', 'bytes=-', 'bytes=0-99999999999999999999'),
};

const names = Object.keys(grammars);

/** What HTTP lets into a value: RFC 9110 section 5.5. */
const printable = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .map((code) => (code >= 0x7f && code < 0xa0 ? 'é' : String.fromCharCode(code))),
  maxLength: 60,
});

/** One to three headers, most of them by their grammar. */
export const someHeaders: fc.Arbitrary<Headers> = fc
  .array(
    fc
      .constantFrom(...names)
      .chain((name) =>
        fc.tuple(
          fc.constant(name),
          fc.oneof(
            { arbitrary: grammars[name] as fc.Arbitrary<string>, weight: 4 },
            { arbitrary: printable, weight: 1 },
          ),
        ),
      ),
    { minLength: 1, maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs));
