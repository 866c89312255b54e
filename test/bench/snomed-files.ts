// An RF2 snapshot of invented concepts in the proportions of SNOMED CT: half have a second parent, names have five or six words of which few are common.

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import path from 'node:path';

const root = '138875005';
const model = '900000000000207008';
const ids = {
  ...{ isA: '116680003', site: '363698007', defined: '900000000000073002', primitive: '900000000000074008' },
  ...{ fullName: '900000000000003001', synonym: '900000000000013009', preferred: '900000000000548007' },
  ...{ language: '900000000000509007', inferred: '900000000000011006', some: '900000000000451002' },
};
const commonWords = [
  'disorder',
  'structure',
  'procedure',
  'of',
  'finding',
  'left',
  'right',
  'chronic',
  'product',
  'acute',
];

export interface SnomedFiles {
  readonly folder: string;
  /** Codes, from the top to the last. */
  readonly code: (index: number) => string;
  /** Of the i-th rare word; the first ones stand in most names. */
  readonly word: (rank: number) => string;
}

export async function writeSnomedFiles(folder: string, concepts: number): Promise<SnomedFiles> {
  const random = randomNumbers(20261120);
  const code = (index: number) => (index === 0 ? root : `${100_000_000 + index}007`);
  const names = namesOf(concepts, random);
  const parents = parentsOf(concepts, random);
  await writeTable(
    folder,
    'sct2_Concept_Snapshot',
    'id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId',
    function* () {
      for (let at = 0; at < concepts; at++) {
        yield [code(at), '20260101', at % 50 === 49 ? '0' : '1', model, at % 3 === 0 ? ids.defined : ids.primitive];
      }
    },
  );
  const descriptionColumns =
    'id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId';
  await writeTable(folder, 'sct2_Description_Snapshot-en', descriptionColumns, function* () {
    for (let at = 0; at < concepts; at++) {
      const terms = [`${names[at]} (finding)`, names[at] as string, ...(at % 2 === 0 ? [`${names[at]} variant`] : [])];
      for (const [number, term] of terms.entries()) {
        const type = number === 0 ? ids.fullName : ids.synonym;
        yield [`${code(at)}${number}11`, '20260101', '1', model, code(at), 'en', type, term, ids.some];
      }
    }
  });
  const relationshipColumns =
    'id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId';
  await writeTable(folder, 'sct2_Relationship_Snapshot', relationshipColumns, function* () {
    for (let at = 1; at < concepts; at++) {
      const links = (parents[at] as number[]).map((parent) => [parent, ids.isA] as const);
      for (const [target, type] of [...links, [random(at), ids.site] as const]) {
        yield [
          `${code(at)}${target}`,
          '20260101',
          '1',
          model,
          code(at),
          code(target),
          '0',
          type,
          ids.inferred,
          ids.some,
        ];
      }
    }
  });
  const languageColumns = 'id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId';
  await writeTable(folder, 'der2_cRefset_LanguageSnapshot-en', languageColumns, function* () {
    for (let at = 0; at < concepts; at++) {
      yield [`r${at}`, '20260101', '1', model, ids.language, `${code(at)}111`, ids.preferred];
    }
  });
  return { folder, code, word: rareWord };
}

/** The first parent anywhere before, as deep as SNOMED CT is; the second beside it, seldom far away. */
function parentsOf(concepts: number, random: (below: number) => number): number[][] {
  const parents: number[][] = [[]];
  const children: number[][] = [[]];
  for (let at = 1; at < concepts; at++) {
    const first = random(at);
    const around = children[(parents[first] as number[])[0] ?? 0] as number[];
    const isFar = random(50) === 0;
    const second = isFar ? random(at) : (around[random(around.length || 1)] ?? first);
    const chosen = random(2) === 0 && second !== first ? [first, second] : [first];
    parents.push(chosen);
    children.push([]);
    children[first]?.push(at);
  }
  return parents;
}

/** Rare words are the rarer the higher their rank, as in a natural language. */
function namesOf(concepts: number, random: (below: number) => number): string[] {
  return Array.from({ length: concepts }, () => {
    const words = Array.from({ length: 3 + random(3) }, () => {
      const share = random(1_000_000) / 1_000_000;
      return random(3) === 0 ? commonWords[random(commonWords.length)] : rareWord(Math.floor(60_000 ** share));
    });
    return words.join(' ');
  });
}

const syllables = [
  'ba',
  'cor',
  'di',
  'fen',
  'gas',
  'hem',
  'ile',
  'jug',
  'kar',
  'lym',
  'mel',
  'neo',
  'ost',
  'pul',
  'ren',
  'sig',
];

function rareWord(rank: number): string {
  let word = '';
  for (let rest = rank + 4_096; rest > 0; rest = Math.floor(rest / syllables.length)) {
    word += syllables[(rest * 7) % syllables.length];
  }
  return word;
}

/** The same at every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function writeTable(
  folder: string,
  name: string,
  columns: string,
  rows: () => Generator<readonly string[]>,
): Promise<void> {
  const file = createWriteStream(path.join(folder, `${name}_INT_20260101.txt`));
  let text = `${columns}\r\n`;
  for (const row of rows()) {
    text += `${row.join('\t')}\r\n`;
    if (text.length < 1 << 20) continue;
    await writeText(file, text);
    text = '';
  }
  await writeText(file, text);
  file.end();
  await once(file, 'finish');
}

async function writeText(file: WriteStream, text: string): Promise<void> {
  if (!file.write(text)) await once(file, 'drain');
}
