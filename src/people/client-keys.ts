// The public keys a client may register: RFC 7517, and https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html

import type { JsonWebKey } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';

const keysMax = 20;
/** In base64url: 2,048 bits are safe, and beyond 8,192 every verification would be work for us. */
const modulusLengths = { min: 342, max: 1_366 };

/** RS384 and ES384 are what SMART asks for; whoever sends a private key has given it away. */
export function requirePublicKeys(jwks: { readonly keys: readonly JsonWebKey[] }): void {
  const { length } = jwks.keys;
  if (length >= 1 && length <= keysMax && jwks.keys.every(isPublicKey)) return;
  throw fhirError(
    'value',
    `A client's jwks holds 1 to ${keysMax} public keys: RSA of 2048 to 8192 bits, or EC on curve P-384.`,
    { expression: 'jwks' },
  );
}

function isPublicKey({ kty, crv, n = '', d }: JsonWebKey): boolean {
  if (d !== undefined) return false;
  if (kty === 'EC') return crv === 'P-384';
  return kty === 'RSA' && n.length >= modulusLengths.min && n.length <= modulusLengths.max;
}
