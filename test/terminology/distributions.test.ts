// What is read of each licensed format, on slices of invented concepts: test/terminology/slices

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Distribution } from '../../src/terminology/import/distribution.ts';
import { distributions } from '../../src/terminology/import/distributions.ts';
import type { SourceConcept, SourceSystem } from '../../src/terminology/source-system.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const slices = path.join(import.meta.dirname, 'slices');

async function read(name: string, place = path.join(slices, name), release?: string): Promise<SourceSystem> {
  return await (distributions[name] as (distribution: Distribution) => Promise<SourceSystem>)(
    new Distribution(place, { release }),
  );
}

const byCode = ({ concepts }: SourceSystem) => new Map(concepts.map((concept) => [concept.code, concept]));
const parentsOf = (system: SourceSystem) =>
  Object.fromEntries(system.concepts.map(({ code, parents }) => [code, parents]));
const valuesOf = (concept: SourceConcept | undefined, code: string) =>
  concept?.properties?.filter((one) => one.code === code).map(({ value }) => value);
const textsOf = (concept: SourceConcept | undefined) => concept?.designations?.map(({ value }) => value);

describe('LOINC, table in CSV (loinc.html)', () => {
  test('terms with their parts as properties, names, definitions and statuses', async () => {
    const system = await read('loinc');
    expect(system).toMatchObject({ url: 'http://loinc.org', version: '9.10', caseSensitive: false });
    const term = byCode(system).get('90001-1');
    expect(term).toMatchObject({
      display: 'Glimmer [Mass/volume] in Serum or Plasma',
      definition: 'How much "glimmer" there is, by mass',
      inactive: false,
    });
    expect(textsOf(term)).toEqual(['Glimmer SerPl-mCnc', 'Glimmer (S/P) [Mass/Vol]', 'Glimmer, Blood']);
    expect([valuesOf(term, 'PROPERTY'), valuesOf(term, 'METHOD_TYP'), valuesOf(term, 'copyright')]).toEqual([
      ['MCnc'],
      [],
      ['LOINC'],
    ]);
    const old = byCode(system).get('90003-7');
    expect([old?.inactive, valuesOf(old, 'copyright')]).toEqual([true, ['3rdParty']]);
  });

  test('the hierarchy of parts, in which a term may stand at several places, and answers', async () => {
    const system = await read('loinc');
    expect(parentsOf(system)).toMatchObject({
      '90001-1': ['LP90001-8', 'LP90002-6'],
      '90002-9': ['LP90001-8'],
      'LP90001-8': ['LP90000-0'],
      'LP90000-0': [],
    });
    const answers = byCode(system);
    expect(answers.get('LA90001-1')?.display).toBe('It glimmers');
    expect(['LA90001-1', 'LA90002-9'].map((code) => valuesOf(answers.get(code), 'LIST'))).toEqual([
      ['LL9001-1', 'LL9002-9'],
      ['LL9001-1'],
    ]);
  });

  test('a table whose quotes do not close is refused with its line', async () => {
    const file = path.join(makeTemporaryFolder(), 'Loinc.csv');
    writeFileSync(file, 'LOINC_NUM,LONG_COMMON_NAME,STATUS\n1-8,"open,ACTIVE\n');
    await expect(read('loinc', file)).rejects.toMatchObject({ status: 400 });
    await expect(read('loinc', file)).rejects.toThrow(/Loinc\.csv is not CSV as it should be: .*line 2/);
  });

  test('the file alone, with the release that is said', async () => {
    const system = await read('loinc', path.join(slices, 'loinc', 'Loinc.csv'), '9.99');
    expect([system.version, system.concepts.length]).toEqual(['9.99', 3]);
  });
});

describe('SNOMED CT, RF2 snapshot (snomedct.html)', () => {
  test('concepts, several parents, attributes as properties; what is inactive counts for nothing', async () => {
    const system = await read('snomed');
    expect(system.url).toBe('http://snomed.info/sct');
    expect(system.version).toBe('http://snomed.info/sct/900000000000207008/version/20260131');
    expect(parentsOf(system)).toEqual({
      '138875005': [],
      '900101007': ['138875005'],
      '900102000': ['900101007', '900105003'],
      '900103005': ['900102000'],
      '900104004': [],
      '900105003': ['138875005'],
      '900106002': ['138875005'],
      '363698007': ['138875005'],
    });
    const concepts = byCode(system);
    expect(valuesOf(concepts.get('900103005'), '363698007')).toEqual(['900105003']);
    expect(valuesOf(concepts.get('900102000'), 'sufficientlyDefined')).toEqual([true]);
    expect(concepts.get('900104004')?.inactive).toBe(true);
  });

  test('the members of simple reference sets, as far as they are active', async () => {
    const concepts = byCode(await read('snomed'));
    const membersOf = (set: string) =>
      [...concepts].flatMap(([code, concept]) => (valuesOf(concept, 'memberOf')?.includes(set) ? [code] : []));
    expect(membersOf('900106002')).toEqual(['900102000', '900103005']);
  });

  test('the preferred name of US English, other names as designations; quotes are text', async () => {
    const concepts = byCode(await read('snomed'));
    expect(concepts.get('900102000')?.display).toBe('Mossy ankle');
    expect(textsOf(concepts.get('900102000'))).toEqual(['Mossy ankle (disorder)', 'Ankle with moss']);
    expect(concepts.get('900103005')?.display).toBe('Mossy ankle of "the left" (disorder)');
  });
});

describe('ICD-10-CM, tabular list in XML', () => {
  test('chapters and sections group, codes with a seventh character are made', async () => {
    const system = await read('icd10cm');
    expect(system).toMatchObject({ url: 'http://hl7.org/fhir/sid/icd-10-cm', version: '2026' });
    expect(system.concepts.map(({ code, parents, abstract = false }) => [code, parents[0], abstract])).toEqual([
      ['Chapter 19', undefined, true],
      ['S90-S91', 'Chapter 19', true],
      ['S90', 'S90-S91', false],
      ['S90.0', 'S90', false],
      ['S90.0XXA', 'S90.0', false],
      ['S90.0XXD', 'S90.0', false],
      ['S90.12', 'S90', false],
      ['S90.12XS', 'S90.12', false],
      ['S91', 'S90-S91', false],
    ]);
    const concepts = byCode(system);
    expect(concepts.get('S90.0XXA')?.display).toBe('Bite of a griffin, ankle & foot, initial encounter');
    expect(textsOf(concepts.get('S90'))).toEqual(['Nip of a griffin', "Griffin's peck"]);
    expect(['S90', 'S90.0', 'S90.0XXA', 'S91'].map((code) => valuesOf(concepts.get(code), 'billable'))).toEqual([
      [false],
      [false],
      [true],
      [true],
    ]);
  });

  test('XML that is not well-formed is refused with its place', async () => {
    const file = path.join(makeTemporaryFolder(), 'tabular.xml');
    writeFileSync(file, '<ICD10CM.tabular><chapter></ICD10CM.tabular>');
    await expect(read('icd10cm', file)).rejects.toThrow(/not well-formed XML: 1:/);
  });
});

describe('RxNorm, RRF (rxnorm.html)', () => {
  test('the concepts of RxNorm itself, with term types, relations and semantic types', async () => {
    const system = await read('rxnorm');
    expect(system).toMatchObject({ url: 'http://www.nlm.nih.gov/research/umls/rxnorm', version: '20AA_260105F' });
    const concepts = byCode(system);
    expect([...concepts.keys()]).toEqual(['9001', '9002', '9003', '9004', '9005']);
    const drug = concepts.get('9001');
    expect(drug).toMatchObject({ display: 'imaginol 10 MG Oral Tablet', parents: ['9003'], inactive: false });
    expect(textsOf(drug)).toEqual(['Imaginol tab', 'Imaginol 10 mg tablet']);
    expect([valuesOf(drug, 'TTY'), valuesOf(drug, 'STY'), valuesOf(drug, 'has_dose_form')]).toEqual([
      ['SCD'],
      ['Clinical Drug'],
      ['9005'],
    ]);
    expect(valuesOf(drug, 'has_ingredient')).toEqual([]);
    expect(valuesOf(concepts.get('9003'), 'has_ingredient')).toEqual(['9002']);
    expect(concepts.get('9004')?.inactive).toBe(true);
  });
});

describe('CPT and HCPCS, tables', () => {
  test('CPT: columns by their names, and lists that begin with the code', async () => {
    const concepts = byCode(await read('cpt', undefined, '2026'));
    expect(concepts.get('9999A')?.display).toBe('Measuring of glimmer, each additional lantern');
    expect(textsOf(concepts.get('9999A'))).toEqual(['MEASURE GLIMMER EA LANTERN', 'GLIMMER MEASURE', 'Glimmer test']);
    expect(concepts.get('ZZ')?.display).toBe('Lantern of the left side');
    expect([...concepts.values()].map((one) => valuesOf(one, 'modifier')?.[0])).toEqual([false, false, true]);
  });

  test('HCPCS: records of fixed width, descriptions of several lines, modifiers and codes that ended', async () => {
    const concepts = byCode(await read('hcpcs', undefined, '2026-01'));
    expect(concepts.get('Z9001')).toMatchObject({
      display: 'Lantern, portable, with a handle that is long enough for the description to go on in a second line',
      inactive: false,
    });
    expect(textsOf(concepts.get('Z9001'))).toEqual(['Portable lantern']);
    expect(concepts.get('Z9002')?.inactive).toBe(true);
    expect(valuesOf(concepts.get('ZL'), 'modifier')).toEqual([true]);
  });
});

describe('what is not there', () => {
  test.each(Object.keys(distributions))('%s: a folder without its files says what is wanted', async (name) => {
    await expect(read(name, makeTemporaryFolder())).rejects.toThrow(/^There is no .* there\./);
    await expect(read(name, '/no/such/place')).rejects.toThrow('There is no file or folder');
  });

  test('a file without the columns says which', async () => {
    const folder = makeTemporaryFolder();
    writeFileSync(path.join(folder, 'Loinc.csv'), 'LOINC_NUM,STATUS\n1-1,ACTIVE\n');
    await expect(read('loinc', folder)).rejects.toThrow('no column LONG_COMMON_NAME');
    writeFileSync(path.join(folder, 'sct2_Concept_Snapshot_X.txt'), 'id\tactive\n');
    writeFileSync(path.join(folder, 'sct2_Relationship_Snapshot_X.txt'), 'id\n');
    await expect(read('snomed', folder)).rejects.toThrow('no column moduleId, definitionStatusId');
  });
});
