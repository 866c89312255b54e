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
  /** PostgreSQL's text of them, without brackets. */
  readonly text: string;
  /** Absent for what has hardly any. */
  readonly group: TokenGroup | undefined;
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

/**
 * What stands in an event for a part, as PostgreSQL's text without brackets: its group's token once that is stored, its tokens until
 * then. `tokensOf` is called where the part is not known by its key; of one that is seen again the group is wanted.
 */
export function sharedText(cipher: TenantCipher, key: string, tokensOf: () => readonly bigint[]): string {
  const { parts, stored, wanted } = groupsOf(cipher);
  const known = parts.get(key);
  const { text, group } = known ?? partOf(cipher, tokensOf());
  if (!known) {
    if (parts.size >= partsMax) parts.clear();
    parts.set(key, { text, group });
  }
  if (!group) return text;
  if (stored.has(group.token)) return String(group.token);
  if (known && wanted.size < wantedMax) wanted.set(group.token, group);
  return text;
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

/** The group is named by its tokens: while the index key is rotated, that with those under both keys is another one. */
function partOf(cipher: TenantCipher, tokens: readonly bigint[]): SharedPart {
  const text = tokens.join(',');
  if (tokens.length < 2) return { text, group: undefined };
  const sorted = tokens.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
  return { text, group: { token: cipher.tokenOf(`AuditEvent:group|${sorted.join(',')}`), tokens: sorted } };
}
