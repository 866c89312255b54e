// Extraction and queries agree: whatever a resource holds, the search made from it finds it, and what it does not hold, not.

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { foldWords } from '../../src/search/fold-text.ts';
import { definitions, finds, isCandidate, parse, queryOf } from './evaluate.ts';
import { askable, type Pick, queryFor, searchableResource } from './random-search.ts';

const seed = 20_261_120;
const types = [...definitions.resourceTypes];

/** Choices by numbers that fast-check shrinks. */
function picker(choices: readonly number[]): Pick {
  let index = 0;
  return (items) => items[(choices[index++ % choices.length] ?? 0) % items.length]!;
}

const choices = fc.array(fc.nat(1000), { minLength: 8, maxLength: 40 });

describe('a search made from a resource finds that resource', () => {
  test('by each parameter of any type', () => {
    let asked = 0;
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.nat(), choices, (type, resourceSeed, numbers) => {
        const pick = picker(numbers);
        const resource = searchableResource(type, resourceSeed, pick);
        for (const { parameter, values } of askable(resource)) {
          const pair = queryFor(parameter, pick(values), pick);
          if (!pair) continue;
          asked++;
          const found = finds(parse(type, queryOf(pair)), resource);
          if (!found) throw new Error(`${type}?${pair.join('=')} does not find ${JSON.stringify(resource)}`);
        }
      }),
      { seed, numRuns: 1500 },
    );
    expect(asked).toBeGreaterThan(4000);
  });

  test('by several parameters at once, and with other values beside its own', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.nat(), choices, (type, resourceSeed, numbers) => {
        const pick = picker(numbers);
        const resource = searchableResource(type, resourceSeed, pick);
        const pairs = askable(resource).flatMap(({ parameter, values }) => {
          const pair = queryFor(parameter, pick(values), pick);
          if (!pair || parameter.kind === 'date' || parameter.kind === 'identifyingDate') return pair ? [pair] : [];
          const others: Partial<Record<typeof parameter.kind, string>> = {
            reference: pair[0].includes(':') ? 'other' : 'Patient/other',
            number: '-1e9',
            quantity: '-1e9',
            near: '0|0',
          };
          const other = others[parameter.kind] ?? 'other';
          return [[pair[0], pick([pair[1], `${other},${pair[1]}`])] as [string, string]];
        });
        expect(finds(parse(type, queryOf(...pairs.slice(0, 90))), resource)).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('a search finds nothing else', () => {
  const code = fc.constantFrom('a', 'A', 'b', 'a|b', 'x,y', '1\\2');
  const system = fc.constantFrom(undefined, 'http://loinc.org', 'urn:s', 'urn:s|t');
  const asked = fc.record({ system: fc.constantFrom(undefined, '', 'http://loinc.org', 'urn:s', 'urn:s|t'), code });

  test('tokens: system and code are those of one coding, case matters but for systems that say otherwise', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ system, code }), { minLength: 1, maxLength: 4 }), asked, (codings, value) => {
        const observation = { resourceType: 'Observation', code: { coding: codings } } as Resource;
        const escaped = (text: string) => text.replace(/[\\,|$]/g, '\\$&');
        const text =
          value.system === undefined ? escaped(value.code) : `${escaped(value.system)}|${escaped(value.code)}`;
        const wanted = codings.some((coding) => {
          const isFolded = coding.system === 'http://loinc.org';
          const own = isFolded ? coding.code.toLowerCase() : coding.code;
          if (value.system === undefined) return own === value.code || own === value.code.toLowerCase();
          if ((coding.system ?? '') !== value.system) return false;
          return own === (isFolded ? value.code.toLowerCase() : value.code);
        });
        expect(finds(parse('Observation', queryOf(['code', text])), observation)).toBe(wanted);
      }),
      { seed, numRuns: 1000 },
    );
  });

  const word = fc.constantFrom(
    'anna',
    'Annabel',
    'ann',
    'maximilianus',
    'Maximilian',
    'maximiliana',
    'Müller',
    'muller',
    "d'Arc",
  );
  const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));

  test('strings: every word of the value begins a word of the element, however long', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), name, (given, value) => {
        const patient = { resourceType: 'Patient', name: [{ given }] } as Resource;
        const stored = given.flatMap(foldWords);
        const wanted = foldWords(value).every((asked) => stored.some((candidate) => candidate.startsWith(asked)));
        expect(finds(parse('Patient', queryOf(['given', value])), patient)).toBe(wanted);
        expect(finds(parse('Patient', queryOf(['given:exact', value])), patient)).toBe(given.includes(value));
      }),
      { seed, numRuns: 1000 },
    );
  });

  test('a prefix of more than ten characters needs the resource itself', () => {
    const patient = { resourceType: 'Patient', name: [{ given: ['Maximilianus'] }] } as Resource;
    const query = parse('Patient', 'given=maximiliana');
    expect(isCandidate(query, patient)).toBe(true);
    expect(finds(query, patient)).toBe(false);
  });
});

describe('names as people type them', () => {
  test.each([
    ['Muller', 'Müller', true],
    ['MÜL', 'Müller', true],
    ['strasser', 'Straßer', true],
    ['Straßer', 'STRAẞER', true],
    ['STRAẞER', 'Strasser', true],
    ['Mustermann', 'Muster\u00admann', true],
    ['علیرضا', 'علی\u200cرضا', true],
    ['דויד', '\u200fדו\u200fיד\u200e', true],
    ['width', 'zero\u200bwidth', true],
    ['oneil', "O'Neil", true],
    ["o'neil", 'ONeil', true],
    ['jones', 'Smith-Jones', true],
    ['ith', 'Smith', false],
    ['sorensen', 'Sørensen', true],
    ['οδυσσευσ', 'Οδυσσεύς', true],
    ['李', '李小龙', true],
  ])('family=%s and %s', (value, family, isFound) => {
    const patient = { resourceType: 'Patient', name: [{ family }] } as Resource;
    expect(finds(parse('Patient', queryOf(['family', value])), patient)).toBe(isFound);
  });
});
