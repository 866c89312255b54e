// Reads the concepts of one code system and the sets that its filters are answered from.

import { fhirError } from '../fhir/outcome.ts';
import { foldAllWords } from '../search/fold-text.ts';
import { all } from './all.ts';
import { ConceptSet } from './concept-set.ts';
import type { Queries } from './find-system.ts';
import { indexSets, setKeys, wordStartMax } from './index-system.ts';
import { unpackIdsInto } from './packed-ids.ts';
import { keyOfCode } from './source-system.ts';
import type { StoredConcept, StoredSystem } from './stored-concept.ts';

const columns = 'id, code, key, display, inactive, abstract, parents, below, detail';
const briefColumns = "id, code, key, display, inactive, abstract, parents, '{}'::int[] AS below, NULL AS detail";
/** Words of one filter text; what comes behind them is not looked at. */
const wordsMax = 10;
/** Concepts whose displays are compared with one. */
const displaysMax = 1_000;
/** Values of one property. */
const valuesMax = 20_000;

export class SystemReader {
  readonly system: StoredSystem;
  readonly #trx: Queries;
  #small: Promise<Map<string, Buffer>> | undefined;

  constructor(trx: Queries, system: StoredSystem) {
    this.#trx = trx;
    this.system = system;
  }

  get all(): ConceptSet {
    return ConceptSet.all(this.system.conceptCount);
  }

  get none(): ConceptSet {
    return new ConceptSet(this.system.conceptCount);
  }

  of(ids: Iterable<number>): ConceptSet {
    return ConceptSet.of(this.system.conceptCount, ids);
  }

  async concept(code: string): Promise<StoredConcept | undefined> {
    return (await this.byCodes([code]))[0];
  }

  /** In the order of the codes; those that are not there are left out. */
  async byCodes(codes: readonly string[]): Promise<StoredConcept[]> {
    if (codes.length === 0) return [];
    const keys = codes.map((code) => keyOfCode(code, this.system));
    const rows = await this.#rows('key', 'key = ANY ($2::text[])', keys);
    const byKey = new Map(rows.map((row) => [row.key, row]));
    return keys.flatMap((key) => byKey.get(key) ?? []);
  }

  /** In the order of the ids. `isBrief`: without spans and detail, which are most of a row. */
  async byIds(ids: readonly number[], isBrief = false): Promise<StoredConcept[]> {
    if (ids.length === 0) return [];
    const rows = await this.#rows(isBrief ? 'id-brief' : 'id', 'id = ANY ($2::int[])', ids, isBrief);
    // Somebody put another import in its place between two statements.
    if (rows.length < ids.length) throw replaced();
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) as StoredConcept);
  }

  /** The concepts themselves and all above them. */
  async above(ids: readonly number[]): Promise<ConceptSet> {
    const { origin, id: systemId } = this.system;
    const rows = await this.#trx.query<{ id: number }>({
      name: `concepts-above-${origin}`,
      text: `WITH RECURSIVE above AS (
               SELECT id, parents FROM ${origin}.concept WHERE system_id = $1 AND id = ANY ($2::int[])
               UNION
               SELECT concept.id, concept.parents FROM above CROSS JOIN unnest(above.parents) AS parent
               JOIN ${origin}.concept ON concept.system_id = $1 AND concept.id = parent)
             SELECT id FROM above`,
      values: [systemId, ids],
    });
    return this.of(rows.map((row) => row.id));
  }

  /** The concept itself and all below it. */
  below({ below }: StoredConcept): ConceptSet {
    const set = this.none;
    for (let at = 0; at < below.length; at += 2) set.addSpan(below[at] as number, below[at + 1] as number);
    return set;
  }

  async childrenOf({ id, below }: StoredConcept): Promise<StoredConcept[]> {
    const spans = [...below.keys()].filter((at) => at % 2 === 0);
    const { origin, id: systemId } = this.system;
    return await this.#trx.query<StoredConcept>({
      name: `concept-children-${origin}`,
      // Span by span, or the planner would begin with all concepts of the system.
      text: `SELECT ${columns} FROM unnest($3::int[], $4::int[]) AS span (low, high) CROSS JOIN LATERAL (
               SELECT ${columns} FROM ${origin}.concept WHERE system_id = $1 AND id BETWEEN low AND high OFFSET 0) concept
             WHERE parents @> ARRAY[$2::int] ORDER BY id`,
      values: [systemId, id, spans.map((at) => below[at]), spans.map((at) => below[at + 1])],
    });
  }

  async inactive(): Promise<ConceptSet> {
    return await this.#set(setKeys.inactive);
  }

  async abstract(): Promise<ConceptSet> {
    return await this.#set(setKeys.abstract);
  }

  async withProperty(code: string): Promise<ConceptSet> {
    return await this.#set(setKeys.property(code));
  }

  /** Those that have a display, or relatives directly above or below. */
  async withSome(what: 'display' | 'parents' | 'children'): Promise<ConceptSet> {
    const { origin, id } = this.system;
    const rows = await this.#trx.query<{ id: number }>({
      name: `concepts-with-${what}-${origin}`,
      text: `SELECT ${what === 'children' ? 'DISTINCT unnest(parents) AS id' : 'id'} FROM ${origin}.concept
             WHERE system_id = $1 AND ${what === 'display' ? 'display IS NOT NULL' : "parents <> '{}'"}`,
      values: [id],
    });
    return this.of(rows.map((row) => row.id));
  }

  async withAnyValue(code: string, values: readonly string[]): Promise<ConceptSet> {
    return await this.#anySet(values.map((value) => setKeys.value(code, value)));
  }

  /** Those that concepts have of a property. */
  async valuesOf(code: string): Promise<string[]> {
    const from = setKeys.value(code, '');
    const { origin, id, indexed } = this.system;
    if (!indexed) return [...(await this.#sets()).keys()].flatMap((key) => valueIn(key, from));
    const rows = await this.#trx.query<{ key: string }>({
      name: `concept-set-keys-${origin}`,
      text: `SELECT key FROM ${origin}.concept_set WHERE system_id = $1 AND key >= $2 AND key < $3 LIMIT ${valuesMax}`,
      values: [id, from, `${from}\u{10ffff}`],
    });
    return rows.flatMap(({ key }) => valueIn(key, from));
  }

  /** Throws too-costly for one whose words too many have. */
  async withDisplay(display: string): Promise<ConceptSet> {
    const candidates = await this.withWords(display);
    if (candidates.count > displaysMax) {
      throw fhirError('too-costly', `More than ${displaysMax} displays would have to be compared; filter by code.`);
    }
    const concepts = await this.byIds(candidates.slice(0, displaysMax));
    return this.of(concepts.filter((one) => one.display === display).map(({ id }) => id));
  }

  /** Those with all words of the text in their displays and designations, in any order, the beginning of each being enough. */
  async withWords(text: string): Promise<ConceptSet> {
    const words = [...new Set(foldAllWords(text))].slice(0, wordsMax);
    const sets = await all(words.map((word) => this.#withWord(word)));
    return sets.reduce((all, set) => all.and(set), this.all);
  }

  /** Both ends of the expression are the ends of the text. */
  async matching(column: 'code' | 'display', expression: string): Promise<ConceptSet> {
    const { origin, id } = this.system;
    const rows = await this.#trx.query<{ id: number }>({
      name: `concepts-matching-${column}-${origin}`,
      text: `SELECT id FROM ${origin}.concept WHERE system_id = $1 AND ${column} ~ $2`,
      values: [id, `^(?:${expression})$`],
    });
    return this.of(rows.map((row) => row.id));
  }

  async #withWord(word: string): Promise<ConceptSet> {
    if (word.length <= wordStartMax) return await this.#set(setKeys.wordStart(word));
    const from = setKeys.word(word);
    return await this.#setsBetween(from, `${from}\u{10ffff}`);
  }

  async #set(key: string): Promise<ConceptSet> {
    return await this.#anySet([key]);
  }

  async #anySet(keys: readonly string[]): Promise<ConceptSet> {
    const { origin, id, indexed } = this.system;
    if (!indexed) {
      const sets = await this.#sets();
      return this.#joined(keys.map((key) => sets.get(key)));
    }
    const rows = await this.#trx.query<{ members: Buffer }>({
      name: `concept-sets-${origin}`,
      text: `SELECT members FROM ${origin}.concept_set WHERE system_id = $1 AND key = ANY ($2::text[])`,
      values: [id, keys],
    });
    return this.#joined(rows.map(({ members }) => members));
  }

  async #setsBetween(from: string, until: string): Promise<ConceptSet> {
    const { origin, id, indexed } = this.system;
    if (!indexed) {
      const sets = await this.#sets();
      return this.#joined([...sets].map(([key, members]) => (key >= from && key < until ? members : undefined)));
    }
    const rows = await this.#trx.query<{ members: Buffer }>({
      name: `concept-sets-between-${origin}`,
      text: `SELECT members FROM ${origin}.concept_set WHERE system_id = $1 AND key >= $2 AND key < $3`,
      values: [id, from, until],
    });
    return this.#joined(rows.map(({ members }) => members));
  }

  #joined(members: readonly (Buffer | undefined)[]): ConceptSet {
    const set = this.none;
    for (const packed of members) if (packed) unpackIdsInto(packed, set);
    return set;
  }

  /** Of a small system, made of its concepts. */
  #sets(): Promise<Map<string, Buffer>> {
    this.#small ??= this.#rows('all', '$2::int IS NULL', null).then((concepts) => indexSets(concepts));
    return this.#small;
  }

  async #rows(
    by: string,
    condition: string,
    values: readonly unknown[] | null,
    isBrief = false,
  ): Promise<StoredConcept[]> {
    const { origin, id } = this.system;
    return await this.#trx.query<StoredConcept>({
      name: `concepts-by-${by}-${origin}`,
      text: `SELECT ${isBrief ? briefColumns : columns} FROM ${origin}.concept WHERE system_id = $1 AND ${condition} ORDER BY id`,
      values: [id, values],
    });
  }
}

function valueIn(key: string, start: string): string[] {
  return key.startsWith(start) ? [key.slice(start.length)] : [];
}

function replaced(): Error {
  return fhirError('transient', 'The code system is being replaced by another import; ask again.', {
    retryAfterSeconds: 1,
  });
}
