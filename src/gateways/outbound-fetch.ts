// Requests to addresses that somebody else chose, such as a clinic's identity provider: over TLS, bounded in time and size, and
// never into the network that the server itself stands in (security.md 51, 64; OWASP, Server-Side Request Forgery).

import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { fetch as undiciFetch } from 'undici';
import { isPrivateAddress } from './private-address.ts';

export interface OutboundOptions {
  /** Names that may be asked wherever they lead, and without TLS: an identity provider inside the hospital, or a test's. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** Like `fetch`; follows no redirect. Rejects where the address is not to be asked, the answer is late or too large. */
export type OutboundFetch = (url: string, init?: RequestInit) => Promise<Response>;

const timeoutMs = 2_500;
const connectTimeoutMs = 2_000;
/** Discovery documents, key sets and token answers take a few KB: security.md 64. */
const bodyBytesMax = 64 * 1_024;
const nullBodyStatuses: ReadonlySet<number> = new Set([204, 205, 304]);

export function createOutboundFetch({ allowedHosts }: OutboundOptions): OutboundFetch {
  let client: ReturnType<typeof openClient> | undefined;
  return async (url, init = {}) => {
    const { protocol, hostname } = new URL(url);
    const isAllowed = allowedHosts.has(hostname);
    if (protocol !== 'https:' && !(isAllowed && protocol === 'http:'))
      throw new OutboundRefusal(hostname, 'not by TLS');
    const address = hostname.replace(/^\[|\]$/g, '');
    if (!isAllowed && isIP(address) !== 0 && isPrivateAddress(address))
      throw new OutboundRefusal(hostname, 'not public');
    client ??= openClient();
    const { fetch, guarded, open } = await client;
    const request = {
      ...init,
      redirect: 'manual' as const,
      dispatcher: isAllowed ? open : guarded,
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])]),
    };
    return await bounded(await fetch(url, request as Parameters<typeof fetch>[1]), hostname);
  };
}

/** Loaded by the first who asks: most installations ask nobody, and undici takes 4 MB. */
async function openClient() {
  const { Agent, fetch } = await import('undici');
  return {
    fetch,
    guarded: new Agent({ connect: { lookup: publicLookup, timeout: connectTimeoutMs } }),
    open: new Agent({ connect: { timeout: connectTimeoutMs } }),
  };
}

/** An address that this server does not ask, whoever wants it. */
export class OutboundRefusal extends Error {
  override readonly name = 'OutboundRefusal';

  constructor(hostname: string, reason: string) {
    super(`The server does not ask ${hostname}: ${reason}.`);
  }
}

type UndiciResponse = Awaited<ReturnType<typeof undiciFetch>>;

/** The whole answer, read up to the bound. */
async function bounded(response: UndiciResponse, hostname: string): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new OutboundRefusal(hostname, `its answer has more than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  const body = nullBodyStatuses.has(status) ? null : Buffer.concat(chunks);
  return new Response(body, { status, headers: [...headers] });
}

/** Refuses a name as soon as one of its addresses is not public: which of them is taken is not ours to say. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    if (addresses.length === 0 || addresses.some(({ address }) => isPrivateAddress(address))) {
      return callback(new OutboundRefusal(hostname, 'not public'), []);
    }
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    return callback(null, first?.address ?? '', first?.family);
  });
};
