// Keeps what one write opens of stored resources within bounds, as objects they take several times as much: security.md 87

import { fhirError } from '../fhir/outcome.ts';

/** Twice what a bundle may have. */
const openedBytesMax = 128_000_000;

export class OpenedBytes {
  #bytes = 0;

  /** Throws 400 when there are too many together; the first resource may have any number. */
  add(bytes: number): void {
    const isFirst = this.#bytes === 0;
    this.#bytes += bytes;
    if (isFirst || this.#bytes <= openedBytesMax) return;
    const diagnostics = `What is stored of these resources has more than ${openedBytesMax} bytes; write fewer at once.`;
    throw fhirError('too-costly', diagnostics);
  }
}
