// By which ways the server looks for what the searches of a test ask: told by the statements it sends, for the answers do not tell.

import pg from 'pg';

/** What only the statements of a way have: src/search/compile/. */
const marks = {
  'slice by slice': ' AS is_met ',
  'link by link': 'left_over AS MATERIALIZED',
  'link by link, reversed': 'array_agg(o.id) AS ids',
  'along numbers': "'=' || w.low",
  'day by day': 'days1 AS MATERIALIZED',
  'along dates': 'dated AS MATERIALIZED',
  gathering: 'candidate AS MATERIALIZED',
} as const;

export type Way = keyof typeof marks;

/** The part of pg's Connection that sends messages. */
interface Wire {
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string }): void;
}

/** From now on, of every connection of this process. */
export function countWays(): ReadonlyMap<Way, number> {
  const ways = new Map<Way, number>((Object.keys(marks) as Way[]).map((way) => [way, 0]));
  const texts = new Map<string, string>();
  const { prototype } = (pg as unknown as { Connection: { prototype: Wire } }).Connection;
  const { parse, bind } = prototype;
  prototype.parse = function (this: Wire, statement) {
    texts.set(statement.name, statement.text);
    parse.call(this, statement);
  };
  prototype.bind = function (this: Wire, portal) {
    const text = texts.get(portal.statement) ?? '';
    for (const [way, count] of ways) if (text.includes(marks[way])) ways.set(way, count + 1);
    bind.call(this, portal);
  };
  return ways;
}
