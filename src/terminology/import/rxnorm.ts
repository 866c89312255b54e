// RxNorm from its RRF files: https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html, https://hl7.org/fhir/R4/rxnorm.html

import type { Designation, PropertyValue, SourceConcept, SourceSystem } from '../source-system.ts';
import { readDelimited } from './delimited.ts';
import type { Distribution } from './distribution.ts';

/** Places of the columns, of RXNCONSO, RXNREL, RXNSTY and RXNSAB. */
const names = { rxcui: 0, language: 1, source: 11, termType: 12, text: 14, suppress: 16 };
const relations = { rxcui1: 0, rxcui2: 4, relation: 7, source: 10 };
const semanticTypes = { rxcui: 0, text: 3 };
const sources = { source: 3, version: 6 };

const own = 'RXNORM';
/** Other names of a concept; any other term type names it. */
const synonyms: ReadonlySet<string> = new Set(['SY', 'TMSY', 'PSN', 'ET']);
/** Of the relations of two concepts those that value sets filter by; the others are these read backward. */
const kept: ReadonlySet<string> = new Set([
  ...['has_ingredient', 'has_ingredients', 'has_precise_ingredient', 'has_dose_form', 'has_doseformgroup'],
  ...['has_tradename', 'tradename_of', 'consists_of', 'contains', 'has_form', 'has_quantified_form'],
]);

interface Draft {
  display?: string;
  termType: string;
  /** None of its names is in use any more. */
  isSuppressed: boolean;
  readonly designations: Designation[];
  readonly parents: string[];
  readonly properties: PropertyValue[];
}

export async function readRxNorm(distribution: Distribution): Promise<SourceSystem> {
  const files = {
    names: distribution.require(/^RXNCONSO\.RRF$/i, 'RXNCONSO.RRF'),
    relations: distribution.find(/^RXNREL\.RRF$/i),
    types: distribution.find(/^RXNSTY\.RRF$/i),
    sources: distribution.find(/^RXNSAB\.RRF$/i),
  };
  distribution.expect(Object.values(files).filter((file) => file !== undefined));
  const drafts = await readNames(distribution, files.names);
  if (files.relations !== undefined) await readRelations(distribution, files.relations, drafts);
  if (files.types !== undefined) await readTypes(distribution, files.types, drafts);
  const version = files.sources === undefined ? '' : await readVersion(distribution, files.sources);
  return {
    url: 'http://www.nlm.nih.gov/research/umls/rxnorm',
    version: distribution.release ?? version,
    title: 'RxNorm',
    content: 'complete',
    subsumes: true,
    caseSensitive: false,
    properties: ['TTY', 'STY', ...kept].map((code) => ({ code })),
    concepts: [...drafts].map(([code, draft]) => toConcept(code, draft)),
  };
}

async function readNames(distribution: Distribution, file: string): Promise<Map<string, Draft>> {
  const drafts = new Map<string, Draft>();
  await readDelimited(distribution, file, '|', (fields) => {
    if (fields[names.source] !== own || fields[names.language] !== 'ENG') return;
    const [code = '', termType = '', value = ''] = [fields[names.rxcui], fields[names.termType], fields[names.text]];
    const draft = drafts.get(code) ?? emptyDraft();
    drafts.set(code, draft);
    if (fields[names.suppress] === 'N') draft.isSuppressed = false;
    const isName = !synonyms.has(termType);
    if (isName && (draft.display === undefined || synonyms.has(draft.termType))) {
      if (draft.display !== undefined) draft.designations.push({ language: 'en', value: draft.display });
      Object.assign(draft, { display: value, termType });
    } else if (draft.display === undefined) Object.assign(draft, { display: value, termType });
    else draft.designations.push({ language: 'en', value });
  });
  return drafts;
}

function emptyDraft(): Draft {
  return { termType: '', isSuppressed: true, designations: [], parents: [], properties: [] };
}

/** The second concept of a row has the relation to the first one. */
async function readRelations(
  distribution: Distribution,
  file: string,
  drafts: ReadonlyMap<string, Draft>,
): Promise<void> {
  await readDelimited(distribution, file, '|', (fields) => {
    const relation = fields[relations.relation] ?? '';
    if (fields[relations.source] !== own || (relation !== 'isa' && !kept.has(relation))) return;
    const [to = '', draft] = [fields[relations.rxcui1], drafts.get(fields[relations.rxcui2] ?? '')];
    if (!draft || !drafts.has(to)) return;
    if (relation === 'isa') draft.parents.push(to);
    else draft.properties.push({ code: relation, type: 'code', value: to });
  });
}

async function readTypes(distribution: Distribution, file: string, drafts: ReadonlyMap<string, Draft>): Promise<void> {
  await readDelimited(distribution, file, '|', (fields) => {
    const value = fields[semanticTypes.text] ?? '';
    drafts.get(fields[semanticTypes.rxcui] ?? '')?.properties.push({ code: 'STY', type: 'string', value });
  });
}

async function readVersion(distribution: Distribution, file: string): Promise<string> {
  let version = '';
  await readDelimited(distribution, file, '|', (fields) => {
    if (fields[sources.source] === own) version = fields[sources.version] ?? '';
  });
  return version;
}

function toConcept(code: string, { display, termType, isSuppressed, ...draft }: Draft): SourceConcept {
  return {
    ...{ code, display, parents: draft.parents, inactive: isSuppressed },
    ...(draft.designations.length > 0 && { designations: draft.designations }),
    properties: [{ code: 'TTY', type: 'code', value: termType }, ...draft.properties],
  };
}
