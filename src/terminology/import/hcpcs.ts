// HCPCS level II from the contractor's file of 320 characters a record: https://www.cms.gov/medicare/coding-billing/healthcare-common-procedure-system

import type { SourceConcept, SourceSystem } from '../source-system.ts';
import { readDelimited } from './delimited.ts';
import type { Distribution } from './distribution.ts';

/** Where the fields stand: the record layout that comes with the file. */
const place = { code: [0, 5], record: [10, 11], long: [11, 91], short: [91, 119], ended: [284, 292] } as const;
/** First and further lines of procedures (3, 4) and of modifiers (7, 8). */
const first: ReadonlySet<string> = new Set(['3', '7']);
const further: ReadonlySet<string> = new Set(['4', '8']);

interface Draft {
  text: string;
  readonly short: string;
  readonly isModifier: boolean;
  readonly ended: string;
}

export async function readHcpcs(distribution: Distribution): Promise<SourceSystem> {
  const file = distribution.find(/^HCPC.*ANWEB.*\.txt$/i) ?? distribution.require(/\.txt$/i, 'HCPC…_ANWEB.txt');
  distribution.expect([file]);
  const drafts = new Map<string, Draft>();
  await readDelimited(distribution, file, '\t', (fields) => addRecord(drafts, fields.join('\t')));
  return {
    url: 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
    version: distribution.release ?? '',
    title: 'HCPCS Level II',
    content: 'complete',
    subsumes: false,
    caseSensitive: true,
    properties: [{ code: 'modifier', description: 'Whether the code is a modifier' }],
    concepts: [...drafts].map(([code, draft]) => toConcept(code, draft)),
  };
}

function addRecord(drafts: Map<string, Draft>, line: string): void {
  const field = (name: keyof typeof place) => line.slice(...place[name]).trim();
  const [code, record] = [field('code'), field('record')];
  if (first.has(record)) {
    const isModifier = record === '7';
    drafts.set(code, { text: field('long'), short: field('short'), isModifier, ended: field('ended') });
  }
  const draft = further.has(record) ? drafts.get(code) : undefined;
  if (draft) draft.text = `${draft.text} ${field('long')}`;
}

/** A date on which the code ended makes it inactive. */
function toConcept(code: string, { text, short, isModifier, ended }: Draft): SourceConcept {
  return {
    ...{ code, display: text, parents: [], inactive: ended !== '' },
    properties: [{ code: 'modifier', type: 'boolean', value: isModifier }],
    ...(short !== '' && { designations: [{ language: 'en', value: short }] }),
  };
}
