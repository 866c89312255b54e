// Searchset Bundles: https://hl7.org/fhir/R4/bundle.html#searchset

import { describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { createProjection } from '../../src/search/project.ts';
import { type SearchResult, searchset } from '../../src/search/result.ts';
import { baseUrl, definitions, parse, queryOf } from './evaluate.ts';

function bundle(query: string, parts: Partial<SearchResult> = {}, handling: 'strict' | 'lenient' = 'strict'): Bundle {
  const defaults = {
    query: parse('Patient', query, { handling }),
    baseUrl,
    entries: [],
    total: 0,
    pages: [],
  };
  return JSON.parse(searchset({ ...defaults, ...parts }).toString()) as Bundle;
}

const stored = Buffer.from('{"resourceType":"Patient","id":"1","extension":[{"url":"urn:x","valueDecimal":1.10}]}');

describe('the bundle', () => {
  test('carries the stored text as it is, with its full URL and mode', () => {
    const entries = [
      { mode: 'match', type: 'Patient', id: '1', json: stored },
      {
        mode: 'include',
        type: 'Organization',
        id: '2',
        json: Buffer.from('{"resourceType":"Organization","id":"2","name":"Zähne 🦷"}'),
      },
    ] as const;
    const text = searchset({ query: parse('Patient', ''), baseUrl, entries, total: 1, pages: [] }).toString();
    expect(text).toContain('1.10');
    expect(JSON.parse(text)).toMatchObject({
      resourceType: 'Bundle',
      type: 'searchset',
      total: 1,
      entry: [
        { fullUrl: `${baseUrl}/Patient/1`, search: { mode: 'match' } },
        { fullUrl: `${baseUrl}/Organization/2`, resource: { name: 'Zähne 🦷' }, search: { mode: 'include' } },
      ],
    });
  });

  test('has no empty entry and no unknown total', () => {
    expect(bundle('', { total: undefined })).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
      link: [{ relation: 'self', url: `${baseUrl}/Patient` }],
    });
  });

  test('its self link shows what was understood, and reads back as the same search', () => {
    const pairs: [string, string][] = [
      ['name', 'a&b=c,ä'],
      ['identifier', 'urn:mrn|1\\,2'],
      ['birthdate', 'ge1980-01-01'],
      ['_sort', '-_lastUpdated'],
    ];
    const [self] = bundle(queryOf(...pairs, ['unknown', '1']), {}, 'lenient').link ?? [];
    expect([...new URL(self?.url ?? '').searchParams]).toEqual(pairs);
  });

  test('its links to other pages repeat the search, with their cursors', () => {
    const pages = [{ relation: 'first' }, { relation: 'previous', cursor: 'p' }, { relation: 'next', cursor: 'n' }];
    expect(bundle('name=a&_cursor=old', { pages }).link).toEqual([
      { relation: 'self', url: `${baseUrl}/Patient?name=a&_cursor=old` },
      { relation: 'first', url: `${baseUrl}/Patient?name=a` },
      { relation: 'previous', url: `${baseUrl}/Patient?name=a&_cursor=p` },
      { relation: 'next', url: `${baseUrl}/Patient?name=a&_cursor=n` },
    ]);
  });

  test('a total that is not exact says so', () => {
    expect(bundle('', { total: 1001, isEstimate: true })).toMatchObject({
      total: 1001,
      _total: { extension: [{ valueCode: 'estimate' }] },
    });
    expect(bundle('', { total: 0, isEstimate: false })).not.toHaveProperty('_total');
  });

  test('what is missing from the answer stands with what was ignored', () => {
    const warnings = [{ severity: 'warning', code: 'too-costly', diagnostics: 'x' }] as const;
    const { entry } = bundle('unknown=1', { warnings }, 'lenient');
    expect(entry).toMatchObject([{ resource: { issue: [{ code: 'not-supported' }, { code: 'too-costly' }] } }]);
  });

  test('what was ignored stands in an OperationOutcome of mode outcome', () => {
    const { entry } = bundle('unknown=1', {}, 'lenient');
    expect(entry).toMatchObject([
      { resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning' }] }, search: { mode: 'outcome' } },
    ]);
  });
});

describe('a smaller resource', () => {
  const patient = {
    resourceType: 'Patient',
    id: '1',
    meta: { versionId: '1' },
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
    active: true,
    name: [{ family: 'Muster' }],
    photo: [{ title: 'x' }],
    birthDate: '1980-02-29',
    _birthDate: { id: 'b' },
    deceasedBoolean: false,
  };

  function project(query: string): Record<string, unknown> | undefined {
    const projection = createProjection(definitions, parse('Patient', query));
    return projection && (JSON.parse(projection(JSON.stringify(patient))) as Record<string, unknown>);
  }

  test('_elements keeps what it names, and what is mandatory or modifies', () => {
    expect(Object.keys(project('_elements=birthDate') ?? {}).sort()).toEqual(
      ['_birthDate', 'active', 'birthDate', 'deceasedBoolean', 'id', 'meta', 'resourceType'].sort(),
    );
  });

  test('_summary keeps the summary, the text or the data', () => {
    expect(project('_summary=true')).not.toHaveProperty('photo');
    expect(project('_summary=true')).toHaveProperty('name');
    expect(Object.keys(project('_summary=text') ?? {})).toEqual(['resourceType', 'id', 'meta', 'text']);
    expect(project('_summary=data')).not.toHaveProperty('text');
    expect(project('_summary=false')).toBeUndefined();
  });

  test('says that it is not the whole', () => {
    const tag = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }];
    expect(project('_elements=name')?.meta).toEqual({ versionId: '1', tag });
  });

  test('keeps the digits of its numbers', () => {
    const projection = createProjection(definitions, parse('Patient', '_elements=extension'));
    expect(projection?.(stored.toString())).toContain('1.10');
  });
});
