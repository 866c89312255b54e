// Keeps the answers of a bundle's entries, which together are one answer, within bounds: security.md 87

import { fhirError } from '../fhir/outcome.ts';

/** A text of JavaScript holds five times as much, but there are several copies of it before it is sent. */
const charactersMax = 100_000_000;

export class AnswerSize {
  #characters = 0;

  /** Gives the text back. */
  add(text: string): string {
    this.#characters += text.length;
    return text;
  }

  /** Throws 400 once there is too much: the entry at this place, which comes next, is not to be done. */
  requireRoom(place?: string): void {
    if (this.#characters <= charactersMax) return;
    const advice = 'send fewer entries, search with a smaller _count, or prefer return=minimal';
    const diagnostics = `The answers before this entry have more than ${charactersMax} characters; ${advice}.`;
    throw fhirError('too-costly', diagnostics, place === undefined ? {} : { expression: place });
  }
}
