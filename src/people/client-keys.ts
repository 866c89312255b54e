// The public keys a client may register: RFC 7517, and https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html

import type { JsonWebKey } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';

const keysMax = 20;
/** In base64url: 2,048 bits are safe, and beyond 8,192 every verification would be work for us. */
const modulusLengths = { min: 342, max: 1_366 };
/** With certificates, if somebody must: every listing reads them. */
const textLengthMax = 65_536;
/** https://www.rfc-editor.org/rfc/rfc7518#section-6 */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** RS384 and ES384 are what SMART asks for; whoever sends a private key has given it away. */
export function requirePublicKeys(jwks: { readonly keys: readonly JsonWebKey[] }): void {
  const { length } = jwks.keys;
  const isBounded = length >= 1 && length <= keysMax && JSON.stringify(jwks).length <= textLengthMax;
  if (isBounded && jwks.keys.every(isPublicKey)) return;
  throw fhirError(
    'value',
    `A client's jwks holds 1 to ${keysMax} public keys: RSA of 2048 to 8192 bits, or EC on curve P-384, in 64 kB.`,
    { expression: 'jwks' },
  );
}

function isPublicKey(key: JsonWebKey): boolean {
  if (privateMembers.some((member) => key[member] !== undefined)) return false;
  const { kty, crv, n = '' } = key;
  if (kty === 'EC') return crv === 'P-384';
  return kty === 'RSA' && typeof n === 'string' && n.length >= modulusLengths.min && n.length <= modulusLengths.max;
}
