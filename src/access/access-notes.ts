// What an interaction showed, and whether its own transaction tells of it: https://hl7.org/fhir/R4/auditevent.html

import { answeredMax } from './access-facts.ts';

export interface ShownVersion {
  readonly type: string;
  readonly id: string;
  /** 0 for what the server itself offers, which has no versions. */
  readonly versionId: number;
}

/** One for each attempt: what was rolled back was not shown. */
export class AccessNotes {
  /** AuditEvents of changes in the interaction's own transaction: those need no more. */
  recorded = 0;
  /** There is one of the interaction itself in it. */
  isTold = false;
  /** Of what was shown, whether `answered` names it or not. */
  answeredCount = 0;
  readonly #answered: string[] = [];

  show({ type, id, versionId }: ShownVersion): void {
    this.answeredCount += 1;
    if (this.#answered.length >= answeredMax) return;
    this.#answered.push(versionId === 0 ? `${type}/${id}` : `${type}/${id}/_history/${versionId}`);
  }

  /** Versioned references. */
  get answered(): readonly string[] {
    return this.#answered;
  }
}
