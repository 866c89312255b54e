// Passwords as Argon2id hashes with OWASP's parameters, never more at once than the machine has cores: security.md 72 and 76.

import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { fhirError } from '../fhir/outcome.ts';

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html; Argon2id is the library's default. */
const parameters = { memoryCost: 19 * 1_024, timeCost: 2, parallelism: 1 };
/** How such a hash begins: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md */
const prefix = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$`;
/** Of no password anybody knows; only the work of comparing with it counts. */
const nobodysHash = `${prefix}${'A'.repeat(22)}$${'A'.repeat(43)}`;
const bytesMin = 12;
const bytesMax = 1_024;
const runningMax = availableParallelism();
const waitingMax = 50;

let running = 0;
const waiting: (() => void)[] = [];

/** Throws 422 when the password is too short or too long. */
export async function hashPassword(password: string): Promise<string> {
  const bytes = Buffer.byteLength(password);
  if (bytes < bytesMin || bytes > bytesMax) {
    throw fhirError('value', `A password has ${bytesMin} to ${bytesMax} bytes.`);
  }
  return await inTurn(() => hash(password, parameters));
}

/** Without a hash, as of an unknown account, it takes as long and is false: security.md 69. */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > bytesMax) return false;
  const isGood = await inTurn(() => verify(passwordHash ?? nobodysHash, password));
  return isGood && passwordHash !== undefined;
}

/** True for a hash that was made with other parameters than today's: the next good login replaces it. */
export function needsRehash(passwordHash: string): boolean {
  return !passwordHash.startsWith(prefix);
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= runningMax) {
    if (waiting.length >= waitingMax) {
      throw fhirError('throttled', 'Too many people sign in at this moment; try again shortly.', {
        retryAfterSeconds: 1,
      });
    }
    // Whoever finishes hands its place over, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
