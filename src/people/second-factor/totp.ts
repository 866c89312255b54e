// Codes of an authenticator app from a shared secret and the time: https://www.rfc-editor.org/rfc/rfc6238

import { Secret, TOTP } from 'otpauth';

/** 160 bits, as RFC 4226 section 4 recommends. */
const secretBytes = 20;
const periodSeconds = 30;
/** Steps that a telephone's clock may be ahead or behind: RFC 6238 section 5.2. */
const window = 1;
/** What every app knows; SHA-1 is sound inside HMAC. */
const form = { algorithm: 'SHA1', digits: 6, period: periodSeconds } as const;

export function makeSecret(): Buffer {
  return Buffer.from(new Secret({ size: secretBytes }).bytes);
}

/** For typing it in. */
export function base32Of(secret: Buffer): string {
  return toSecret(secret).base32;
}

/** What the QR code says: https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function otpauthUrl(secret: Buffer, { issuer, label }: { issuer: string; label: string }): string {
  // Longer names would make a QR code that no telephone reads, and a colon parts issuer and label.
  const short = (text: string) => text.toWellFormed().replaceAll(':', ' ').slice(0, 80).toWellFormed();
  return new TOTP({ ...form, secret: toSecret(secret), issuer: short(issuer), label: short(label) }).toString();
}

/** The time step that the code belongs to; undefined when it is none of those near `at`. */
export function stepOfCode(secret: Buffer, code: string, at: Date): number | undefined {
  // The library compares bytes, and throws when other digits make them more.
  if (!/^[0-9]{6}$/.test(code)) return undefined;
  const timestamp = at.getTime();
  const delta = TOTP.validate({ ...form, token: code, secret: toSecret(secret), timestamp, window });
  return delta === null ? undefined : TOTP.counter({ period: periodSeconds, timestamp }) + delta;
}

function toSecret(bytes: Buffer): Secret {
  return new Secret({ buffer: new Uint8Array(bytes).buffer });
}
