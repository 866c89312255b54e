// What SMART asks of a client's assertion beyond RFC 7523: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html

import { errors } from './oidc-provider.ts';

export const assertionAlgorithms = ['RS384', 'ES384'];

const lifetimeMaxSeconds = 300;
/** A client's clock may be ahead by so much. */
export const clockToleranceSeconds = 5;

/** Runs when the signature and `iss`, `sub`, `aud`, `exp` and `jti` have passed oidc-provider, before `jti` is used up. */
export function checkAssertion(
  _ctx: unknown,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>>,
): void {
  const nowSeconds = Date.now() / 1_000;
  if (typeof claims.exp !== 'number' || claims.exp > nowSeconds + lifetimeMaxSeconds) {
    refuse(`exp is more than ${lifetimeMaxSeconds} seconds ahead`);
  }
  if (claims.iat !== undefined && (typeof claims.iat !== 'number' || claims.iat > nowSeconds + clockToleranceSeconds)) {
    refuse('iat is in the future');
  }
  if (claims.sub !== claims.iss) refuse('sub is not iss');
  // A list would let whoever else is on it present the assertion here: security.md 53.
  if (typeof claims.aud !== 'string') refuse('aud is not one URL');
  if (typeof claims.jti !== 'string') refuse('jti is no string');
  if (typeof header.kid !== 'string') refuse('kid is missing');
  // Clients register their keys by value, so there is no URL that `jku` could equal.
  if (header.jku !== undefined) refuse('jku is not the registered one');
}

function refuse(detail: string): never {
  throw new errors.InvalidClientAuth(detail);
}
