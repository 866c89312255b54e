// Search tokens of AuditEvents that come together again and again, such as those of one caller or of one kind of request, are stored
// once: in an event the group's own token stands for them, and searches ask for both (src/search/compile/sql.ts).

import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { Session } from './session.ts';

interface TokenGroup {
  readonly token: bigint;
  readonly tokens: readonly bigint[];
}

/** The tokens of a part that many events have alike. */
interface SharedPart {
  readonly tokens: readonly bigint[];
  /** What stands in an event for them, as PostgreSQL's text without brackets: the tokens themselves until their group is stored. */
  text: string;
  isSeenAgain: boolean;
}

/** What inserting takes of a session. */
interface Storing {
  readonly trx: Pick<Session['trx'], 'execute'>;
  readonly cipher: TenantCipher;
  readonly definitionsVersion: number;
}

interface Groups {
  readonly parts: Map<string, SharedPart>;
  /** Whose tokens were seen again. */
  readonly wanted: Map<bigint, TokenGroup>;
  readonly stored: Set<bigint>;
}

const ofCiphers = new WeakMap<TenantCipher, Groups>();
const partsMax = 5_000;
const storedMax = 50_000;
const wantedMax = 500;

/** `tokensOf` is called where the part is not known by its key. */
export function sharedPart(cipher: TenantCipher, key: string, tokensOf: () => readonly bigint[]): SharedPart {
  const groups = groupsOf(cipher);
  const known = groups.parts.get(key);
  if (known) {
    if (!known.isSeenAgain) want(cipher, groups, known);
    return known;
  }
  const tokens = tokensOf();
  const part = { tokens, text: textOf(cipher, groups, tokens), isSeenAgain: tokens.length < 2 };
  if (groups.parts.size >= partsMax) groups.parts.clear();
  groups.parts.set(key, part);
  return part;
}

export function wantsTokenGroups(cipher: TenantCipher): boolean {
  return groupsOf(cipher).wanted.size > 0;
}

/**
 * Those that are wanted, in an order, so that no two processes wait for each other. Gives what is to be called once they are
 * committed: no event names a group before.
 */
export function insertTokenGroups({ trx, cipher, definitionsVersion }: Storing): () => void {
  const groups = [...groupsOf(cipher).wanted.values()];
  if (groups.length === 0) return () => undefined;
  trx.execute({
    name: 'insert-token-groups',
    text: `INSERT INTO audit_token_group (token, tokens)
           SELECT token, tokens::bigint[] FROM unnest($1::bigint[], $2::text[]) AS row (token, tokens)
           WHERE tenant.require_definitions($3::int) ORDER BY token ON CONFLICT DO NOTHING`,
    values: [groups.map(({ token }) => token), groups.map(({ tokens }) => `{${tokens.join(',')}}`), definitionsVersion],
  });
  return () => nameFromNowOn(cipher, groups);
}

function nameFromNowOn(cipher: TenantCipher, committed: readonly TokenGroup[]): void {
  const groups = groupsOf(cipher);
  if (groups.stored.size + committed.length > storedMax) groups.stored.clear();
  for (const { token } of committed) {
    groups.stored.add(token);
    groups.wanted.delete(token);
  }
  for (const part of groups.parts.values()) part.text = textOf(cipher, groups, part.tokens);
}

/** By their own tokens, both as PostgreSQL's texts. */
export type StoredTokenGroups = ReadonlyMap<string, readonly string[]>;

/** True where the tokens that are stored, PostgreSQL's text of a bigint[], stand for these, all of them and no others. */
export function hasAuditTokens(stored: string, tokens: readonly bigint[], groups: StoredTokenGroups): boolean {
  const all = new Set(
    stored
      .slice(1, -1)
      .split(',')
      .flatMap((token) => groups.get(token) ?? [token]),
  );
  return all.size === tokens.length && tokens.every((token) => all.has(String(token)));
}

/** Those that are named in these, each PostgreSQL's text of a bigint[]. */
export async function tokenGroupsIn({ trx }: Session, stored: readonly string[]): Promise<StoredTokenGroups> {
  const named = new Set(stored.flatMap((text) => text.slice(1, -1).split(',')));
  const rows = await trx.query<{ token: string; tokens: string[] }>({
    name: 'token-groups',
    text: 'SELECT token::text AS token, tokens::text[] AS tokens FROM audit_token_group WHERE token = ANY ($1::bigint[])',
    values: [`{${[...named].join(',')}}`],
  });
  return new Map(rows.map(({ token, tokens }) => [token, tokens]));
}

function groupsOf(cipher: TenantCipher): Groups {
  const groups = ofCiphers.get(cipher) ?? { parts: new Map(), wanted: new Map(), stored: new Set() };
  ofCiphers.set(cipher, groups);
  return groups;
}

function want(cipher: TenantCipher, { wanted, stored }: Groups, part: SharedPart): void {
  if (wanted.size >= wantedMax) return;
  part.isSeenAgain = true;
  const group = groupOf(cipher, part.tokens);
  if (!stored.has(group.token)) wanted.set(group.token, group);
}

function textOf(cipher: TenantCipher, { stored }: Groups, tokens: readonly bigint[]): string {
  if (tokens.length < 2) return tokens.join(',');
  const { token } = groupOf(cipher, tokens);
  return stored.has(token) ? String(token) : tokens.join(',');
}

/** Named by the tokens: while the index key is rotated, the group with those under both keys is another one. */
function groupOf(cipher: TenantCipher, tokens: readonly bigint[]): TokenGroup {
  const sorted = tokens.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
  return { token: cipher.tokenOf(`AuditEvent:group|${sorted.join(',')}`), tokens: sorted };
}
