// Modifiers of strings and uris and word search, from index entries alone: https://hl7.org/fhir/R4/search.html#modifiers

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { foldWords } from '../../src/search/fold-text.ts';
import { queryIdentity } from '../../src/search/query-identity.ts';
import { shownTexts, textOfXhtml, wordsOf } from '../../src/search/words.ts';
import { definitions, extract, finds, isCandidate, parse, queryOf } from './evaluate.ts';

const seed = 20_261_120;
const patientOf = (content: object) => ({ resourceType: 'Patient', ...content }) as Resource;

const letters = fc.constantFrom('a', 'b', 'Ö', 'ß', 'n', "'", '-', ' ', 'Ł', '李', '𐐀', 'É');
const text = fc.array(letters, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''));
const folded = (value: string) => foldWords(value).join(' ');

describe(':contains', () => {
  test('finds what String.includes does once both are folded, and nothing else', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), text, (given, value) => {
        fc.pre(foldWords(value).length > 0);
        const patient = patientOf({ name: [{ given }] });
        const wanted = given.some((name) => folded(name).includes(folded(value)));
        if (wanted) found++;
        expect(finds(parse('Patient', queryOf(['given:contains', escaped(value)])), patient)).toBe(wanted);
        expect(finds(parse('Patient', queryOf(['name:contains', escaped(value)])), patient)).toBe(wanted);
      }),
      { seed, numRuns: 1500 },
    );
    expect(found).toBeGreaterThan(100);
  });

  test('any part of a stored text finds it, so the triples lose nothing', () => {
    fc.assert(
      fc.property(text, fc.nat(12), fc.nat(12), (family, start, length) => {
        const part = folded(family).slice(start, start + length);
        fc.pre(foldWords(part).length > 0);
        expect(
          finds(parse('Patient', queryOf(['family:contains', escaped(part)])), patientOf({ name: [{ family }] })),
        ).toBe(true);
      }),
      { seed, numRuns: 1000 },
    );
  });

  test('three characters narrow by the index, two do not', () => {
    const patient = patientOf({ name: [{ family: 'Muster' }] });
    expect(isCandidate(parse('Patient', 'family:contains=xyz'), patient)).toBe(false);
    expect(isCandidate(parse('Patient', 'family:contains=xy'), patient)).toBe(true);
    expect(finds(parse('Patient', 'family:contains=xy'), patient)).toBe(false);
  });
});

function escaped(value: string): string {
  return value.replace(/[\\,|$]/g, '\\$&');
}

describe('names and their parts share their words', () => {
  const names = fc.record({
    family: text,
    given: fc.array(text, { maxLength: 2 }),
    text: fc.option(text, { nil: undefined }),
    prefix: fc.array(text, { maxLength: 1 }),
  });

  test('each parameter finds by the words and texts of its own part only', () => {
    fc.assert(
      fc.property(names, fc.array(text, { minLength: 1, maxLength: 2 }), (name, values) => {
        const patient = patientOf({ name: [name] });
        const parts = { family: [name.family], given: name.given, name: [name.family, ...name.given, ...name.prefix] };
        if (name.text !== undefined) parts.name.push(name.text);
        fc.pre(values.every((value) => foldWords(value).length > 0));
        for (const [code, stored] of Object.entries(parts)) {
          const words = stored.flatMap(foldWords);
          const begins = (word: string) => words.some((candidate) => candidate.startsWith(word));
          const list = values.map(escaped).join(',');
          const wanted = values.some((value) => foldWords(value).every(begins));
          expect([code, finds(parse('Patient', queryOf([code, list])), patient)]).toEqual([code, wanted]);
          const isSame = values.some((value) => stored.includes(value));
          expect([code, finds(parse('Patient', queryOf([`${code}:exact`, list])), patient)]).toEqual([code, isSame]);
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  test('a union of parameters finds by each of them', () => {
    const coding = (code: string) => ({ coding: [{ system: 'urn:s', code }] });
    const observation = { resourceType: 'Observation', code: coding('1'), component: [{ code: coding('2') }] };
    const found = ['combo-code=1', 'combo-code=urn:s|2', 'combo-code=3', 'code=2', 'component-code=1'].map((query) =>
      finds(parse('Observation', query), observation as Resource),
    );
    expect(found).toEqual([true, true, false, false, false]);
  });
});

describe('uris', () => {
  const segment = fc.constantFrom('a', 'b', 'fhir', 'v1.2', 'x-y');
  const url = fc
    .tuple(
      fc.constantFrom('http://a.org', 'https://b.org:8080'),
      fc.array(segment, { maxLength: 5 }),
      fc.constantFrom('', '/'),
    )
    .map(([host, segments, end]) => [host, ...segments].join('/') + end);
  const segmentsOf = (value: string) => value.replace(/\/$/, '').split('/');
  const isAbove = (high: string, low: string) =>
    segmentsOf(high).every((part, index) => segmentsOf(low)[index] === part);

  test('below is whatever begins with the same segments, above the other way round', () => {
    let found = 0;
    fc.assert(
      fc.property(url, url, (stored, asked) => {
        const valueSet = { resourceType: 'ValueSet', url: stored } as Resource;
        if (isAbove(asked, stored)) found++;
        expect(finds(parse('ValueSet', queryOf(['url:below', asked])), valueSet)).toBe(isAbove(asked, stored));
        expect(finds(parse('ValueSet', queryOf(['url:above', asked])), valueSet)).toBe(isAbove(stored, asked));
      }),
      { seed, numRuns: 1000 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

describe('words', () => {
  test('of a narrative are those between its tags, without comments, with entities as characters', () => {
    const div = '<div title="no"><p>Caf&#xE9;</p>&amp;<br/>two<b>parts</b> a&lt;b <!-- <i>no</i> --> it&apos;s</div>';
    expect([...wordsOf([textOfXhtml(div)])]).toEqual(['cafe', 'two', 'parts', 'a', 'b', 'its']);
  });

  test('that stand beside a code are its text and the displays of its codings; of an identifier those of its type', () => {
    const concept = { text: 'a', coding: [{ display: 'b' }, { code: 'c' }] };
    expect(shownTexts(concept)).toEqual(['a', 'b']);
    expect(shownTexts({ type: concept, value: '1' })).toEqual(['a', 'b']);
  });

  test('of the narrative and beside codes are stored, those that begin alike as one', () => {
    const appointment = {
      resourceType: 'Appointment',
      text: { status: 'generated', div: '<div>Check-up</div>' },
      appointmentType: { text: 'Checkup or check' },
      comment: 'stored nowhere',
    } as Resource;
    const texts = extract(appointment).flatMap((entry) => (entry.kind === 'token' ? [entry.text] : []));
    const words = texts.filter((one) => one.startsWith('Appointment:words|'));
    expect(words.sort()).toEqual(['chec', 'or', 'up'].map((word) => `Appointment:words|${word}`));
  });

  test('_content finds whole words of any text of the resource, contained ones too', () => {
    const resource = {
      resourceType: 'Appointment',
      comment: 'Bring the metformin',
      contained: [{ resourceType: 'Patient', id: 'p', name: [{ family: 'Muster' }] }],
      participant: [{ actor: { reference: 'Patient/secret', display: 'Eva' } }],
      extension: [{ url: 'http://x.org/hidden', valueString: 'Annotated' }],
    } as unknown as Resource;
    const queries = ['metformin', 'metform', 'muster eva', 'annotated', 'secret', 'hidden', 'eva nothing', 'x,eva'];
    const found = queries.map((value) => finds(parse('Appointment', queryOf(['_content', value])), resource));
    expect(found).toEqual([true, false, true, true, false, false, false, true]);
  });

  test('every word of any resource is found by _content', () => {
    const words = fc.array(text, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(words, words, (names, lines) => {
        const patient = patientOf({ name: [{ given: names }], contact: [{ address: { line: lines } }] });
        for (const word of wordsOf([...names, ...lines])) {
          expect(finds(parse('Patient', queryOf(['_content', word])), patient)).toBe(true);
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  test('AuditEvents are not searched by words', () => {
    expect([...definitions.searchParameters('AuditEvent').keys()]).toContain('_text');
    for (const name of ['_text', '_content']) {
      expect(() => parse('AuditEvent', `${name}=a`)).toThrow(/is not supported/);
    }
  });
});

test('queries that differ in a modifier ask something else', () => {
  const queries = ['name=eva', 'name:contains=eva', 'name:exact=eva', 'name=EVA'];
  const [starts, contains, exact, upper] = queries.map((query) => queryIdentity(parse('Patient', query)));
  expect(new Set([starts, contains, exact]).size).toBe(3);
  expect(upper).toBe(starts);
});
