// Logical ids: https://hl7.org/fhir/R4/datatypes.html#id; those the server makes are UUIDv7 (RFC 9562), whose order is time.

import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { fhirError } from './outcome.ts';

const idSyntax = /^[A-Za-z0-9\-.]{1,64}$/;
const dotsOnly = /^\.+$/;

export function isId(text: string): boolean {
  return idSyntax.test(text) && !dotsOnly.test(text);
}

/** Throws 400 when a client's id breaks the syntax; ids of dots alone would be path steps. */
export function requireId(text: string, expression = 'Resource.id'): void {
  if (isId(text)) return;
  throw fhirError('value', 'An id is 1 to 64 letters, digits, "-" or ".", and not only dots.', {
    status: 400,
    expression,
  });
}

/** The system's random source is asked for many ids at once: a call costs more than all else of an id. */
const idBytes = 16;
const random = Buffer.alloc(idBytes * 1_024);
let randomUsed = random.length;

/** A new id that carries the time `atMs`. */
export function newId(atMs: number): string {
  if (randomUsed === random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  randomUsed += idBytes;
  return v7({ msecs: atMs, random: random.subarray(randomUsed - idBytes, randomUsed) });
}

const uuidV7Syntax = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The time an id of `newId` carries, or undefined for an id that is no UUIDv7. */
export function timeOfId(id: string): number | undefined {
  if (!uuidV7Syntax.test(id)) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
