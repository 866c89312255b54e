// CPT from the AMA's lists of codes, as a table with named columns or with the code at the beginning of each line: https://hl7.org/fhir/R4/cpt.html

import type { Designation, SourceConcept, SourceSystem } from '../source-system.ts';
import { readDelimited } from './delimited.ts';
import type { Distribution } from './distribution.ts';

/** CPT code, or the two characters of a modifier. */
const codeSyntax = /^(?:[0-9]{4}[0-9A-Z]|[0-9A-Z]{2})$/;
/** `LONGULT.txt` and its like: the code, a space, the descriptor. */
const lineSyntax = /^([0-9]{4}[0-9A-Z]|[0-9A-Z]{2})\s+(\S.*)$/;

interface Columns {
  readonly code: number;
  readonly texts: readonly number[];
}

/** Of several files of the folder each adds to what the others say. */
export async function readCpt(distribution: Distribution): Promise<SourceSystem> {
  distribution.require(/\.txt$/i, 'list of codes (.txt)');
  const files = distribution.all(/\.txt$/i);
  distribution.expect(files);
  const texts = new Map<string, string[]>();
  for (const file of files) await readList(distribution, file, texts);
  return {
    url: 'http://www.ama-assn.org/go/cpt',
    version: distribution.release ?? '',
    title: 'Current Procedural Terminology (CPT)',
    content: 'complete',
    subsumes: false,
    caseSensitive: true,
    properties: [{ code: 'modifier', description: 'Whether a code is an AMA CPT modifier' }],
    concepts: [...texts].map(([code, all]) => toConcept(code, all)),
  };
}

async function readList(distribution: Distribution, file: string, texts: Map<string, string[]>): Promise<void> {
  let columns: Columns | undefined;
  await readDelimited(distribution, file, '\t', (fields) => {
    columns ??= columnsOf(fields);
    const found = columns ? fieldsOf(fields, columns) : lineOf(fields);
    if (!found) return;
    const known = texts.get(found.code) ?? [];
    texts.set(found.code, [...known, ...found.texts.filter((text) => !known.includes(text))]);
  });
}

/** The line that names the columns; the longest text comes first. */
function columnsOf(fields: readonly string[]): Columns | undefined {
  const names = fields.map((name) => name.trim().toLowerCase());
  const code = names.findIndex((name) => name === 'cpt code' || name === 'modifier' || name === 'code');
  if (code < 0 || fields.length < 2) return undefined;
  const place = (start: string) => names.findIndex((name) => name.startsWith(start));
  return {
    code,
    texts: ['long', 'full', 'descriptor', 'medium', 'short', 'consumer'].map(place).filter((at) => at >= 0),
  };
}

interface Found {
  readonly code: string;
  readonly texts: readonly string[];
}

function fieldsOf(fields: readonly string[], { code, texts }: Columns): Found | undefined {
  const found = fields[code]?.trim() ?? '';
  if (!codeSyntax.test(found)) return undefined;
  return { code: found, texts: texts.flatMap((at) => fields[at]?.trim() || []) };
}

function lineOf([line = '', ...more]: readonly string[]): Found | undefined {
  const found = lineSyntax.exec([line, ...more].join(' '));
  return found ? { code: found[1] as string, texts: [(found[2] as string).trim()] } : undefined;
}

function toConcept(code: string, [display, ...others]: readonly string[]): SourceConcept {
  const designations = others.map((value): Designation => ({ language: 'en', value }));
  return {
    ...{ code, display, parents: [] },
    properties: [{ code: 'modifier', type: 'boolean', value: code.length === 2 }],
    ...(designations.length > 0 && { designations }),
  };
}
