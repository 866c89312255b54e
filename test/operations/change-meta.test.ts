// Profiles, tags and labels are sets by URL and by system and code: https://hl7.org/fhir/R4/resource-operation-meta-add.html

import { describe, expect, test } from '@jest/globals';
import type { Meta } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { addToMeta, countOfMeta, deleteFromMeta } from '../../src/operations/change-meta.ts';

const coding = fc.record(
  {
    system: fc.constantFrom('urn:a', 'urn:b'),
    code: fc.constantFrom('x', 'y', 'z'),
    display: fc.constantFrom('One', 'Other'),
  },
  { requiredKeys: ['code'] },
);
const key = ({ system, code }: { system?: string; code?: string }) => `${system}|${code}`;
const distinct = fc.uniqueArray(coding, { selector: key, minLength: 1, maxLength: 4 });
const meta: fc.Arbitrary<Meta> = fc.record(
  {
    versionId: fc.constantFrom('1', '7'),
    profile: fc.uniqueArray(fc.constantFrom('http://p/1', 'http://p/2', 'http://p/3|1'), { minLength: 1 }),
    tag: distinct,
    security: distinct,
  },
  { requiredKeys: [] },
);
const setOf = ({ profile = [], tag = [], security = [] }: Meta) => ({
  profile: new Set(profile),
  tag: new Set(tag.map(key)),
  security: new Set(security.map(key)),
});
const kinds = ['profile', 'tag', 'security'] as const;
const run = (property: fc.IProperty<[Meta, Meta]>) => fc.assert(property, { seed: 20_261_120, numRuns: 500 });

describe('adding', () => {
  test('gives the union, keeps what was there as it was, and doing it again changes nothing', () => {
    run(
      fc.property(meta, meta, (own, given) => {
        const result = addToMeta(own, given);
        for (const kind of kinds) {
          expect(setOf(result)[kind]).toEqual(new Set([...setOf(own)[kind], ...setOf(given)[kind]]));
          expect(result[kind]?.length).toBe(setOf(result)[kind].size || undefined);
          expect((result[kind] ?? []).slice(0, own[kind]?.length ?? 0)).toEqual(own[kind] ?? []);
        }
        expect(result.versionId).toBe(own.versionId);
        expect(addToMeta(result, given)).toEqual(result);
      }),
    );
  });
});

describe('deleting', () => {
  test('gives the difference, leaves no empty arrays, and doing it again changes nothing', () => {
    run(
      fc.property(meta, meta, (own, given) => {
        const result = deleteFromMeta(own, given);
        for (const kind of kinds) {
          expect(setOf(result)[kind]).toEqual(setOf(own)[kind].difference(setOf(given)[kind] as Set<never>));
          expect(result[kind]).not.toEqual([]);
        }
        expect(deleteFromMeta(result, given)).toEqual(result);
      }),
    );
  });

  test('the count of what there is tells whether anything changed', () => {
    run(
      fc.property(meta, meta, (own, given) => {
        for (const change of [addToMeta, deleteFromMeta]) {
          const result = change(own, given);
          const isSame = kinds.every((kind) => setOf(result)[kind].size === setOf(own)[kind].size);
          expect(countOfMeta(result) === countOfMeta(own)).toBe(isSame);
        }
      }),
    );
  });
});

test('extensions of a profile stay beside it: https://hl7.org/fhir/R4/json.html#primitive', () => {
  const why = { extension: [{ url: 'urn:why', valueCode: 'x' }] };
  const own = { profile: ['http://p/1', 'http://p/2'], _profile: [null, why] } as Meta;
  expect(addToMeta(own, { profile: ['http://p/3'] })).toEqual({
    profile: ['http://p/1', 'http://p/2', 'http://p/3'],
    _profile: [null, why, null],
  });
  expect(deleteFromMeta(own, { profile: ['http://p/1'] })).toEqual({ profile: ['http://p/2'], _profile: [why] });
  expect(deleteFromMeta(own, { profile: ['http://p/2'] })).toEqual({ profile: ['http://p/1'] });
});
