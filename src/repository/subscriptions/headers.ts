// The headers of a Subscription's channel, which hold passwords and tokens: their values are stored as sealed boxes, so that no read,
// search, version, export or AuditEvent shows them again (security.md 104).

import type { Subscription } from '@medplum/fhirtypes';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { Change } from '../change.ts';

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.5, without line ends and what is not ASCII. */
const headerSyntax = /^(?<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*(?<value>[\t -~]{0,4000})$/;
/** What the connection is made of is the sender's matter. */
const ownNames: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
const sealedPrefix = 'sealed:';

type Channel = Subscription['channel'];

/**
 * Seals what is new. What was sealed before may be sent back, to the same endpoint only: who changes that must know the secret.
 * Gives what is refused; what is no header is left for `headerProblem`, and what is no list of texts for validation.
 */
export function sealHeaders({ id, resource, oldResource }: Change, cipher: TenantCipher): string | undefined {
  const channel = (resource as { readonly channel?: Channel }).channel;
  if (!Array.isArray(channel?.header)) return undefined;
  const old = (oldResource as Subscription | undefined)?.channel;
  const kept = old && old.endpoint === channel.endpoint ? (old.header ?? []) : [];
  const parts = channel.header.map(partsOf);
  if (channel.header.some((line, index) => parts[index]?.value.startsWith(sealedPrefix) && !kept.includes(line)))
    return 'a header was sealed for another endpoint or Subscription; give its value again';
  const known = new Map(kept.map((line) => [openHeader(line, id, channel.endpoint, cipher), line]));
  channel.header = channel.header.map((line, index) => {
    const { name, value } = parts[index] ?? {};
    if (name === undefined || value === undefined || value.startsWith(sealedPrefix)) return line;
    // The same again is no change that a history or an AuditEvent would tell of.
    const same = known.get(`${name}: ${value}`);
    if (same !== undefined) return same;
    const box = cipher.seal(Buffer.from(value), contextOf(name, id, channel.endpoint));
    return `${name}: ${sealedPrefix}${box.toString('base64url')}`;
  });
  return undefined;
}

/** Why it is not taken; undefined for one that may be sent. */
export function headerProblem(line: string): string | undefined {
  const parts = partsOf(line);
  if (!parts) return 'a header is a name, a colon and a value, in one line of ASCII';
  return ownNames.has(parts.name.toLowerCase()) ? 'a header that the connection itself needs' : undefined;
}

/** As it is to be sent. Throws where the box was sealed for another place; undefined for a line of before there were boxes. */
function openHeader(line: string, id: string, endpoint: string | undefined, cipher: TenantCipher): string | undefined {
  const { name = '', value = '' } = partsOf(line) ?? {};
  if (!value.startsWith(sealedPrefix)) return undefined;
  const box = Buffer.from(value.slice(sealedPrefix.length), 'base64url');
  return `${name}: ${cipher.open(box, contextOf(name, id, endpoint)).toString()}`;
}

function contextOf(name: string, id: string, endpoint: string | undefined): string {
  return `Subscription header|${id}|${name.toLowerCase()}|${endpoint ?? ''}`;
}

function partsOf(line: unknown): { readonly name: string; readonly value: string } | undefined {
  const found = typeof line === 'string' ? headerSyntax.exec(line) : null;
  return found?.groups as { name: string; value: string } | undefined;
}
