// One run of the canary proof: an HPMS is filled through every door, brought to rest, and everything it left behind is searched.

import type { Definitions } from '../../src/fhir/definitions.ts';
import type { Validate } from '../../src/validation/validate.ts';
import { type Canaries, makeCanaries, storedNames, wordsOf } from './canaries.ts';
import { type ColumnCheck, checkColumns } from './column-check.ts';
import { type Controls, controlWords, makeControls } from './controls.ts';
import { type ElementResult, storeElements } from './element-traffic.ts';
import { makeElementWords } from './element-words.ts';
import { useFurtherDoors } from './further-traffic.ts';
import { type Hpms, startHpms } from './hpms.ts';
import {
  bringQueueToRest,
  bringToRest,
  logOf,
  type PlaceName,
  placeNames,
  plantJob,
  type Source,
  settleFiles,
} from './places.ts';
import { sendAwkward } from './refused-traffic.ts';
import { type Hit, Scanner } from './scanner.ts';
import { spellingsOf } from './spellings.ts';
import { fillClinic, makePeople, openRequest } from './stored-traffic.ts';

export type Find = Hit & Pick<Source, 'place' | 'name'>;

export interface RunOptions {
  readonly definitions: Definitions;
  readonly validate: Validate;
  /** Absent: the queue is in PostgreSQL. */
  readonly redisUrl?: string | undefined;
  readonly types: readonly string[];
  readonly variants: number;
  readonly withBackup: boolean;
  /** Also what was there before the first canary; left out, it takes a third of the time. */
  readonly everything: boolean;
  progress(text: string): void;
}

export interface RunResult {
  readonly controls: Controls;
  readonly finds: readonly Find[];
  /** Of the places that were searched. */
  readonly bytes: ReadonlyMap<PlaceName, number>;
  readonly canariesSought: number;
  readonly elements: ElementResult;
  readonly columns: ColumnCheck;
  /** What did not go as it should, so that it proves nothing. */
  readonly faults: readonly string[];
}

const element = 'element';
const readable = 'readable';

/** Rows may hold, in a declared column, what is readable by design; nothing else may. */
const placesOfRows: ReadonlySet<PlaceName> = new Set(['data files', 'WAL', 'WAL archive', 'dump', 'backup']);

export async function runCanaries(options: RunOptions): Promise<RunResult> {
  const { redisUrl, progress } = options;
  const canaries = makeCanaries();
  const controls = makeControls();
  const [elementWords, readableWords] = [makeElementWords(element), makeElementWords(readable)];
  const hpms = await startHpms(redisUrl);
  try {
    const sinceMs = options.everything ? undefined : await settleFiles(hpms);
    progress('HPMS is up');
    const { faults, elements } = await fill(hpms, options, { canaries, controls, elementWords, readableWords });
    await plantJob(hpms, redisUrl, controls);
    progress('all doors were used; it is brought to rest');
    let columns: ColumnCheck | undefined;
    const sought = {
      canaries: [...wordsOf(canaries).flatMap(({ texts }) => texts), ...elementWords.parts],
      readable: [controls.plainId, ...readableWords.parts],
    };
    const sources = await bringToRest(hpms, {
      ...{ redisUrl, controls, withBackup: options.withBackup, sinceMs },
      async look(client) {
        columns = await checkColumns(client, sought);
      },
    });
    const scanner = new Scanner([
      ...wordsOf(canaries),
      ...controlWords(controls),
      ...[elementWords.word, readableWords.word],
    ]);
    const { finds, bytes } = await search(scanner, sources, progress);
    const canariesSought = Object.keys(canaries).length + elementWords.count() + readableWords.count();
    return { controls, finds, bytes, canariesSought, elements, columns: columns!, faults };
  } finally {
    await hpms.remove();
  }
}

interface Words {
  readonly canaries: Canaries;
  readonly controls: Controls;
  readonly elementWords: ReturnType<typeof makeElementWords>;
  readonly readableWords: ReturnType<typeof makeElementWords>;
}

async function fill(
  hpms: Hpms,
  { definitions, validate, types, variants, progress }: RunOptions,
  { canaries, controls, elementWords, readableWords }: Words,
) {
  const token = await makePeople(hpms, canaries);
  const request = openRequest(hpms, token);
  const stored = await fillClinic(request, canaries, controls.plainId);
  const isRead = (text: string) => spellingsOf(text).some(({ bytes }) => stored.readBack.includes(bytes.toString()));
  const lost = storedNames.filter((name) => !isRead(canaries[name])).map((name) => `${name} cannot be read again`);
  if (stored.invoice.resourceType !== 'Invoice') lost.push('the visit has no Invoice');
  if (stored.auditEvents <= 5) lost.push('the visit has no AuditEvents');
  progress('a visit from the Patient to the Invoice is stored');
  const { refused, odd } = await sendAwkward(hpms, request, canaries);
  const wrong = [
    ...refused.filter(({ status }) => status < 400 || status >= 500),
    ...odd.filter(({ status }) => status >= 500),
  ].map(({ what, status }) => `${what}: ${status}`);
  await request('GET', '/Patient', undefined, { 'X-Request-Id': controls.requestId });
  const further = await useFurtherDoors({ hpms, request, token, words: elementWords, readable: readableWords });
  progress('refused requests, operations, files, background, administration and apps are through');
  const texts = { words: elementWords, readable: readableWords };
  const elements = await storeElements({ request, definitions, validate, ...texts, types, variants, progress });
  return { elements, faults: [...lost, ...wrong, ...further, ...elements.faults] };
}

/** The queue's own files and the log alone, which is all that differs with Redis. */
export async function searchRedis(redisUrl: string): Promise<readonly Find[]> {
  const [canaries, controls] = [makeCanaries(), makeControls()];
  const hpms = await startHpms(redisUrl);
  try {
    const request = openRequest(hpms, await makePeople(hpms, canaries));
    await fillClinic(request, canaries, controls.plainId);
    await plantJob(hpms, redisUrl, controls);
    await hpms.stop();
    const scanner = new Scanner([...wordsOf(canaries), ...controlWords(controls)]);
    const sources = [...(await bringQueueToRest(redisUrl)), logOf(hpms)];
    return (await search(scanner, sources, () => undefined)).finds;
  } finally {
    await hpms.remove();
  }
}

async function search(scanner: Scanner, sources: readonly Source[], progress: (text: string) => void) {
  const finds: Find[] = [];
  const bytes = new Map<PlaceName, number>();
  for (const place of placeNames) {
    for (const { name, open } of sources.filter((source) => source.place === place)) {
      const count = (length: number) => bytes.set(place, (bytes.get(place) ?? 0) + length);
      for (const hit of await scanner.scan(counted(open(), count))) finds.push({ ...hit, place, name });
    }
    progress(`searched: ${place}, ${Math.round((bytes.get(place) ?? 0) / 1e6)} MB`);
  }
  return { finds, bytes };
}

async function* counted(stream: AsyncIterable<Buffer> | Iterable<Buffer>, count: (length: number) => void) {
  for await (const piece of stream) {
    count(piece.length);
    yield piece;
  }
}

const controlNames: ReadonlySet<string> = new Set(controlWords(makeControls()).map(({ name }) => name));

/** What should not be where it was found. */
export function isOutside({ word, place }: Find): boolean {
  if (isReadable({ word })) return !placesOfRows.has(place);
  return !controlNames.has(word);
}

/** By design, in a declared column. */
export function isReadable({ word }: Pick<Find, 'word'>): boolean {
  return word === 'plainId' || word === readable || word.startsWith(`${readable} `);
}

/** One line for each word in each file: what, how, where. */
export function describeFinds(finds: readonly Find[]): string[] {
  const lines = new Map<string, string>();
  for (const { word, encoding, inside, offset, name } of finds) {
    const how = [encoding, ...inside.toReversed()].join(' in ');
    if (!lines.has(`${word} ${name}`)) lines.set(`${word} ${name}`, `${word}: ${how} at ${offset} of ${name}`);
  }
  return [...lines.values()];
}
