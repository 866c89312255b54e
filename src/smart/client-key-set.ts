// A client's public keys, registered by value or by URL: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html

import { decodeProtectedHeader } from 'jose';
import type { OutboundFetch } from '../gateways/outbound-fetch.ts';
import { requirePublicKeys } from '../people/client-keys.ts';
import type { Client, JsonWebKeySet } from '../people/clients.ts';
import { errors } from './oidc-provider.ts';

/** Those with which the assertion is to be checked; those at a URL are only asked for where there is one. */
export type ClientKeys = (client: KeyOwner, assertion: string | undefined) => Promise<JsonWebKeySet>;

type KeyOwner = Pick<Client, 'jwks' | 'jwksUri'>;

interface Fetched {
  readonly keys: JsonWebKeySet;
  readonly fetchedAtMs: number;
  readonly freshUntilMs: number;
}

/** However long a client would let them be kept. */
const ageMaxSeconds = 300;
/** An assertion that names an unknown key makes nobody fetch more often than that. */
const unknownKeyWaitMs = 10_000;
const setsMax = 1_000;

export function createClientKeys(fetchOutbound: OutboundFetch, now: () => number = Date.now): ClientKeys {
  const sets = new Map<string, Promise<Fetched>>();

  async function keysAt(uri: string, kid: string | undefined): Promise<JsonWebKeySet> {
    const found = sets.get(uri);
    const known = found && (await found);
    if (known && isGood(known, kid)) return known.keys;
    const fetching = fetchKeys(uri).catch(() => {
      if (sets.get(uri) === fetching) sets.delete(uri);
      throw new errors.InvalidClientAuth('the keys of the client could not be fetched');
    });
    sets.delete(uri);
    if (sets.size >= setsMax) sets.delete(sets.keys().next().value ?? '');
    sets.set(uri, fetching);
    return (await fetching).keys;
  }

  function isGood({ keys, freshUntilMs, fetchedAtMs }: Fetched, kid: string | undefined): boolean {
    if (now() >= freshUntilMs) return false;
    // A new key may have been published since.
    return now() < fetchedAtMs + unknownKeyWaitMs || keys.keys.some((key) => key.kid === kid);
  }

  async function fetchKeys(uri: string): Promise<Fetched> {
    const { keys, cacheControl } = await fetchKeySet(fetchOutbound, uri);
    return { keys, fetchedAtMs: now(), freshUntilMs: now() + freshSeconds(cacheControl) * 1_000 };
  }

  return async ({ jwks, jwksUri }, assertion) => {
    if (jwks || jwksUri === undefined || assertion === undefined) return jwks ?? { keys: [] };
    return await keysAt(jwksUri, kidOf(assertion));
  };
}

/** Rejects where there are no public keys. */
export async function fetchKeySet(
  fetchOutbound: OutboundFetch,
  uri: string,
): Promise<{ readonly keys: JsonWebKeySet; readonly cacheControl: string }> {
  const response = await fetchOutbound(uri, { headers: { accept: 'application/json' } });
  const keys: unknown = response.status === 200 ? await response.json() : undefined;
  if (!isKeySet(keys)) throw new Error('There is no JWKS at the URL.');
  requirePublicKeys(keys);
  return { keys, cacheControl: response.headers.get('cache-control') ?? '' };
}

/** RFC 7517 section 5; what kind of keys they are is checked elsewhere. */
export function isKeySet(value: unknown): value is JsonWebKeySet {
  const { keys } = (value ?? {}) as { readonly keys?: unknown };
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null);
}

/** Never longer than the answer allows: RFC 9111 section 5.2.2. */
function freshSeconds(cacheControl: string): number {
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return 0;
  const maxAge = /\bmax-age="?(\d{1,9})/i.exec(cacheControl)?.[1];
  return maxAge === undefined ? ageMaxSeconds : Math.min(Number(maxAge), ageMaxSeconds);
}

function kidOf(assertion: string): string | undefined {
  try {
    return decodeProtectedHeader(assertion).kid;
  } catch {
    return undefined;
  }
}
