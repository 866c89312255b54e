// LOINC from its table in CSV, with the hierarchy of parts and the answers where they are there: https://hl7.org/fhir/R4/loinc.html

import { answerListProperty, loincUrl as loinc } from '../loinc.ts';
import type { Designation, PropertyValue, SourceConcept, SourceSystem } from '../source-system.ts';
import { readCsv } from './csv.ts';
import type { Distribution } from './distribution.ts';

/** What value sets filter by: https://hl7.org/fhir/R4/loinc.html#props */
const propertyColumns = [
  ...['COMPONENT', 'PROPERTY', 'TIME_ASPCT', 'SYSTEM', 'SCALE_TYP', 'METHOD_TYP', 'CLASS', 'CLASSTYPE'],
  ...['ORDER_OBS', 'STATUS', 'VersionLastChanged'],
];
const designationColumns: Readonly<Record<string, string>> = {
  SHORTNAME: 'SHORTNAME',
  DisplayName: 'DisplayName',
  CONSUMER_NAME: 'ConsumerName',
};
const inactiveStatus = 'DEPRECATED';

type Row = Readonly<Record<string, string>>;

interface Draft {
  concept: SourceConcept;
  readonly parents: Set<string>;
}

export async function readLoinc(distribution: Distribution): Promise<SourceSystem> {
  const table = distribution.require(/^Loinc(?:TableCore)?\.csv$/i, 'Loinc.csv');
  const hierarchy = distribution.find(/^(?:ComponentHierarchyBySystem|MultiAxialHierarchy)\.csv$/i);
  const answers = distribution.find(/^AnswerList\.csv$/i);
  distribution.expect([table, hierarchy, answers].filter((file) => file !== undefined));
  const drafts = new Map<string, Draft>();
  let newest = '';
  await readCsv(distribution, table, ['LOINC_NUM', 'LONG_COMMON_NAME', 'STATUS'], (row) => {
    drafts.set(row.LOINC_NUM ?? '', { concept: toConcept(row), parents: new Set() });
    newest = later(newest, row.VersionLastChanged ?? '');
  });
  if (hierarchy !== undefined) await readHierarchy(distribution, hierarchy, drafts);
  if (answers !== undefined) await readAnswers(distribution, answers, drafts);
  return {
    url: loinc,
    version: distribution.release ?? newest,
    title: 'LOINC Code System',
    content: 'complete',
    subsumes: true,
    caseSensitive: false,
    valueSet: `${loinc}/vs`,
    properties: [...propertyColumns.map((code) => ({ code })), { code: 'copyright' }, { code: answerListProperty }],
    concepts: [...drafts.values()].map(({ concept, parents }) => ({ ...concept, parents: [...parents] })),
  };
}

/** Something was changed in every release, so the last change tells which it is. */
function later(one: string, other: string): string {
  return one.localeCompare(other, 'en', { numeric: true }) >= 0 ? one : other;
}

function toConcept(row: Row): SourceConcept {
  const designations = Object.entries(designationColumns).flatMap(([column, code]): Designation[] => {
    const value = row[column];
    return value ? [{ language: 'en', use: { system: loinc, code }, value }] : [];
  });
  return {
    code: row.LOINC_NUM ?? '',
    display: row.LONG_COMMON_NAME,
    ...(row.DefinitionDescription && { definition: row.DefinitionDescription }),
    inactive: row.STATUS === inactiveStatus,
    parents: [],
    properties: propertiesOf(row),
    ...(designations.length > 0 && { designations }),
  };
}

/** https://hl7.org/fhir/R4/loinc.html#copyright */
function propertiesOf(row: Row): PropertyValue[] {
  const given = propertyColumns.flatMap((code): PropertyValue[] => {
    const value = row[code];
    return value ? [{ code, type: 'string', value }] : [];
  });
  const copyright = row.EXTERNAL_COPYRIGHT_NOTICE ? '3rdParty' : 'LOINC';
  return [...given, { code: 'copyright', type: 'string', value: copyright }];
}

/** Parts (LP…) group the terms; a row is a place in the tree, and a term may have several. */
async function readHierarchy(distribution: Distribution, file: string, drafts: Map<string, Draft>): Promise<void> {
  await readCsv(distribution, file, ['IMMEDIATE_PARENT', 'CODE', 'CODE_TEXT'], (row) => {
    const { CODE: code = '', CODE_TEXT: display, IMMEDIATE_PARENT: parent } = row;
    const draft = drafts.get(code) ?? { concept: { code, display, parents: [] }, parents: new Set() };
    drafts.set(code, draft);
    if (parent) draft.parents.add(parent);
  });
}

/** An answer may stand in several lists. */
async function readAnswers(distribution: Distribution, file: string, drafts: Map<string, Draft>): Promise<void> {
  await readCsv(distribution, file, ['AnswerListId', 'AnswerStringId', 'DisplayText'], (row) => {
    const { AnswerListId: list, AnswerStringId: code, DisplayText: display } = row;
    if (!code) return;
    const draft = drafts.get(code) ?? { concept: { code, display, parents: [] }, parents: new Set() };
    drafts.set(code, draft);
    if (!list) return;
    const inList: PropertyValue = { code: answerListProperty, type: 'code', value: list };
    draft.concept = { ...draft.concept, properties: [...(draft.concept.properties ?? []), inList] };
  });
}
