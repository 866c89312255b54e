// Attack 91 of security.md: no pattern of the server repeats what repeats already, which is how a short text takes years (safe-regex's rule).

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseSync } from '@swc/core';

const root = path.join(import.meta.dirname, '..', '..');

/** Looked at one by one: each turn of the loop begins with a character that the turn before cannot go on with. */
const looked: readonly string[] = [
  String.raw`src/clinic/payments/card-numbers.ts \d+(?:[ -]\d+)*`,
  'src/http/admin/role-routes.ts ^[a-z][a-z0-9]*(-[a-z0-9]+)*$',
  String.raw`src/people/client-uris.ts ^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$`,
  String.raw`src/repository/patch/pointer.ts ^(?:\/(?:[^~/]|~[01])*)+$`,
  String.raw`src/smart/scopes.ts ^(?<context>patient|user|system)\/(?<type>\*|[A-Z][A-Za-z]{0,63})\.(?<permissions>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?<constraint>[\w:.-]+=[^?&]+(?:&[\w:.-]+=[^?&]+)*))?$`,
  String.raw`src/terminology/filters.ts ^(?:\\[dwsDWS\-./\\()[\]{}|*+?^$]|\[\^?(?:[^[\]\\]|\\[dws\\[\]-])+\]|[.()|^$*+?]|\{\d{1,2}(?:,\d{0,2})?\}|[^\\[\](){}|*+?.^$])*$`,
  'src/terminology/language-tag.ts ^(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+)$',
  String.raw`src/validation/narrative.ts <(\/?)([A-Za-z_][\w:.-]*)((?:[ \t\r\n]+[A-Za-z_][\w:.-]*[ \t\r\n]*=[ \t\r\n]*(?:"[^"<]*"|'[^'<]*'))*)[ \t\r\n]*(\/?)>`,
  String.raw`src/validation/primitives.ts ^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$`,
  String.raw`src/terminology/ucum.ts (?:\[[!-Z^-z|~/\\]+\]|[!-'*,;-Z^-z|~_"])+`,
];

interface Found {
  readonly file: string;
  readonly pattern: string;
}

function patternsOf(file: string): Found[] {
  const found: Found[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, pattern } = node as { type?: string; pattern?: unknown };
    if (type === 'RegExpLiteral' && typeof pattern === 'string') found.push({ file, pattern });
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(readFileSync(path.join(root, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }));
  return found;
}

/** How many unbounded repetitions stand in each other at most. */
function repetitionDepth(pattern: string): number {
  const source = pattern.replace(/\\./g, 'e').replace(/\[[^\]]*\]/g, 'c');
  const depths: number[] = [0];
  let last = 0;
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] as string;
    const repeats = /^(?:[*+]|\{\d+,\})/.exec(source.slice(at))?.[0];
    if (character === '(') {
      depths.push(0);
      last = 0;
    } else if (character === ')') {
      last = depths.pop() ?? 0;
      depths.push(Math.max(depths.pop() ?? 0, last));
    } else if (repeats) {
      at += repeats.length - 1;
      depths.push(Math.max(depths.pop() ?? 0, last + 1));
      last = 0;
    } else if (character !== '?') last = 0;
  }
  return Math.max(...depths);
}

describe('the rule', () => {
  test.each([
    ['(a+)+$', 2],
    ['(a*)*', 2],
    ['((a{2,})b)+', 2],
    ['(?:x+y)*z', 2],
    ['[+*]+(a)?b*', 1],
    ['(ab)+c', 1],
    ['\\(+a', 1],
    ['(a{1,3})+', 1],
    ['(a+)?', 1],
  ])('%s repeats %i deep', (pattern, depth) => expect(repetitionDepth(pattern)).toBe(depth));
});

test('no pattern of src/ repeats a repetition, but those that were looked at', () => {
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
  );
  const found = files.flatMap((name) => patternsOf(path.posix.join('src', name)));
  expect(found.length).toBeGreaterThan(200);
  const nested = found
    .filter(({ pattern }) => repetitionDepth(pattern) > 1)
    .map(({ file, pattern }) => `${file} ${pattern}`);
  expect(nested.sort()).toEqual([...looked].sort());
});

describe('what was looked at ends also on texts that nearly fit', () => {
  const starts = ['', 'a', 'urn:oid:1', 'patient/Patient.rs?a=b', '<a', 'de', '1', '/', '['];
  const turns = ['a', '1', '-a', '-aa', ' 1', '.1', '/~0', '&a=b', ' a="b"', '[a]', '\\d', 'a-', '~', "'", ' ', '{1}'];

  test.each(looked)('%s', (line) => {
    const pattern = new RegExp(line.slice(line.indexOf(' ') + 1), 'i');
    for (const start of starts) {
      for (const turn of turns) pattern.test(`${start}${turn.repeat(3_000)}\u0000`);
    }
    expect(pattern.source.length).toBeGreaterThan(5);
  });
});
