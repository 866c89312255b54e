// What AWS KMS and HashiCorp Vault have in common for us: requests that are tried twice, and what becomes of refusals.

import { fhirError } from '../fhir/outcome.ts';
import { createOutboundFetch, type OutboundFetch } from './outbound-fetch.ts';

/** For the log: which service said what; never what it was asked. */
export class KeyServiceError extends Error {
  override readonly name = 'KeyServiceError';
}

export type KeyServiceFetch = (url: string, init: RequestInit) => Promise<Response>;

/** The operator has chosen this host, so it may be on the inner network. */
export function keyServiceFetch(service: string, url: string): KeyServiceFetch {
  const fetchOutbound = createOutboundFetch({ allowedHosts: new Set([new URL(url).hostname]) });
  return async (address, init) => {
    try {
      return await fetchTwice(fetchOutbound, address, init);
    } catch (error) {
      throw outOfReach(service, 'does not answer', error);
    }
  };
}

/** A kept connection may have been closed meanwhile. */
async function fetchTwice(fetchOutbound: OutboundFetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetchOutbound(url, init);
  } catch {
    return await fetchOutbound(url, init);
  }
}

/** Whatever somebody can repair: nothing is lost, and nothing is told to the client. */
export function outOfReach(service: string, what: string, cause?: unknown): Error {
  return fhirError('transient', "The server cannot reach the clinic's keys at the moment; try again shortly.", {
    status: 503,
    retryAfterSeconds: 5,
    cause: new KeyServiceError(`${service} ${what}.`, { cause }),
  });
}
