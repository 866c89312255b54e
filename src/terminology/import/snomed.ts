// SNOMED CT from an RF2 snapshot: https://hl7.org/fhir/R4/snomedct.html, https://confluence.ihtsdotools.org/display/DOCRELFMT

import path from 'node:path';
import { membership, snomedUrl } from '../snomed.ts';
import type { Designation, PropertyValue, SourceConcept, SourceSystem } from '../source-system.ts';
import { readNamed } from './delimited.ts';
import type { Distribution } from './distribution.ts';

const isA = '116680003';
const fullySpecifiedName = '900000000000003001';
const preferred = '900000000000548007';
const usEnglish = '900000000000509007';
const fullyDefined = '900000000000073002';
const internationalModule = '900000000000207008';

const concepts = /^x?sct2_Concept_Snapshot.*\.txt$/;
const descriptions = /^x?sct2_Description_Snapshot.*\.txt$/;
const relationships = /^x?sct2_Relationship_Snapshot.*\.txt$/;
/** Simple ones, that have nothing but members. */
const referenceSets = /^x?der2_Refset_.*Snapshot.*\.txt$/;
const languages = /^x?der2_cRefset_Language.*Snapshot.*\.txt$/;

interface Draft {
  readonly active: boolean;
  readonly module: string;
  readonly isDefined: boolean;
  readonly parents: string[];
  readonly terms: Term[];
  readonly attributes: PropertyValue[];
}

interface Term {
  readonly id: string;
  readonly language: string;
  readonly type: string;
  readonly text: string;
}

/** An edition may come with extensions in several files of a kind: all of them are read. */
export async function readSnomed(distribution: Distribution): Promise<SourceSystem> {
  const conceptFile = distribution.require(concepts, 'sct2_Concept_Snapshot_….txt');
  distribution.require(relationships, 'sct2_Relationship_Snapshot_….txt');
  const files = [concepts, descriptions, relationships, languages, referenceSets].map((pattern) =>
    distribution.all(pattern),
  );
  distribution.expect(files.flat());
  const drafts = await readConcepts(distribution);
  const isPreferred = await readPreferred(distribution);
  await readDescriptions(distribution, drafts);
  await readRelationships(distribution, drafts);
  await readMembers(distribution, drafts);
  return {
    url: snomedUrl,
    version: distribution.release ?? versionOf(conceptFile, drafts),
    title: 'SNOMED CT',
    content: 'complete',
    subsumes: true,
    caseSensitive: true,
    valueSet: `${snomedUrl}?fhir_vs`,
    properties: [
      { code: 'inactive', description: 'Whether the concept is inactive' },
      { code: 'sufficientlyDefined', description: 'Whether its definition is sufficient' },
      { code: 'moduleId', description: 'The module the concept belongs to' },
      { code: membership, description: 'A reference set the concept is in' },
    ],
    concepts: [...drafts].map(([code, draft]) => toConcept(code, draft, isPreferred)),
  };
}

async function readConcepts(distribution: Distribution): Promise<Map<string, Draft>> {
  const drafts = new Map<string, Draft>();
  for (const file of distribution.all(concepts)) {
    await readNamed(distribution, file, ['id', 'active', 'moduleId', 'definitionStatusId'], (fields) => {
      const [id = '', active, module = '', status] = fields;
      const facts = { active: active === '1', module, isDefined: status === fullyDefined };
      drafts.set(id, { ...facts, parents: [], terms: [], attributes: [] });
    });
  }
  return drafts;
}

/** Of the descriptions that are preferred in a language, US English first. */
async function readPreferred(distribution: Distribution): Promise<ReadonlyMap<string, 1 | 2>> {
  const ranks = new Map<string, 1 | 2>();
  for (const file of distribution.all(languages)) {
    await readNamed(
      distribution,
      file,
      ['active', 'refsetId', 'referencedComponentId', 'acceptabilityId'],
      (fields) => {
        const [active, refset, description = '', acceptability] = fields;
        if (active !== '1' || acceptability !== preferred) return;
        if (refset === usEnglish) ranks.set(description, 1);
        else if (!ranks.has(description)) ranks.set(description, 2);
      },
    );
  }
  return ranks;
}

async function readDescriptions(distribution: Distribution, drafts: ReadonlyMap<string, Draft>): Promise<void> {
  for (const file of distribution.all(descriptions)) {
    const columns = ['id', 'active', 'conceptId', 'languageCode', 'typeId', 'term'];
    await readNamed(
      distribution,
      file,
      columns,
      ([id = '', active, concept = '', language = '', type = '', text = '']) => {
        if (active === '1') drafts.get(concept)?.terms.push({ id, language, type, text });
      },
    );
  }
}

async function readRelationships(distribution: Distribution, drafts: ReadonlyMap<string, Draft>): Promise<void> {
  for (const file of distribution.all(relationships)) {
    const columns = ['active', 'sourceId', 'destinationId', 'typeId'];
    await readNamed(distribution, file, columns, ([active, source = '', destination = '', type = '']) => {
      const draft = active === '1' ? drafts.get(source) : undefined;
      if (type === isA) draft?.parents.push(destination);
      else draft?.attributes.push({ code: type, type: 'code', value: destination });
    });
  }
}

async function readMembers(distribution: Distribution, drafts: ReadonlyMap<string, Draft>): Promise<void> {
  for (const file of distribution.all(referenceSets)) {
    await readNamed(distribution, file, ['active', 'refsetId', 'referencedComponentId'], (fields) => {
      const [active, refset = '', component = ''] = fields;
      if (active === '1') drafts.get(component)?.attributes.push({ code: membership, type: 'code', value: refset });
    });
  }
}

/** International editions name their date in the file; the module is that of most of the concepts' root. */
function versionOf(file: string, drafts: ReadonlyMap<string, Draft>): string {
  const [date] = /\d{8}(?=(?:T\d+Z)?\.txt$)/.exec(path.basename(file)) ?? [];
  const module = drafts.has('138875005') ? internationalModule : ([...drafts.values()][0]?.module ?? '');
  return date === undefined ? '' : `${snomedUrl}/${module}/version/${date}`;
}

function toConcept(code: string, draft: Draft, ranks: ReadonlyMap<string, 1 | 2>): SourceConcept {
  const display = displayOf(draft.terms, ranks);
  return {
    code,
    display: display?.text,
    parents: draft.parents,
    inactive: !draft.active,
    designations: draft.terms.filter((term) => term !== display).map(toDesignation),
    properties: [
      { code: 'sufficientlyDefined', type: 'boolean', value: draft.isDefined },
      { code: 'moduleId', type: 'code', value: draft.module },
      ...draft.attributes,
    ],
  };
}

/** The preferred synonym, else any synonym, else the fully specified name. */
function displayOf(terms: readonly Term[], ranks: ReadonlyMap<string, 1 | 2>): Term | undefined {
  const rankOf = ({ id, type }: Term) => (type === fullySpecifiedName ? 4 : (ranks.get(id) ?? 3));
  return terms.reduce<Term | undefined>(
    (best, term) => (best && rankOf(best) <= rankOf(term) ? best : term),
    undefined,
  );
}

/** https://hl7.org/fhir/R4/valueset-designation-use.html */
function toDesignation({ language, type, text }: Term): Designation {
  const display = type === fullySpecifiedName ? 'Fully specified name' : 'Synonym';
  return { language, use: { system: snomedUrl, code: type, display }, value: text };
}
