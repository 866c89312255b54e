// What an interaction showed, and whether its own transaction tells of it: https://hl7.org/fhir/R4/auditevent.html

import { answeredMax, patientsMax } from './access-facts.ts';
import { patientsReferred } from './patients-referred.ts';

export interface ShownVersion {
  readonly type: string;
  readonly id: string;
  /** 0 for what the server itself offers, which has no versions. */
  readonly versionId: number;
  /** Its JSON as it was stored, whatever part of it is answered: by that it is known whose record it is of. */
  readonly body: Buffer | string | undefined;
}

/** What an answer is about that is given again (idempotency.ts): no change tells of it then. */
export interface Kept {
  readonly versions: readonly string[];
  readonly count: number;
  /** As `Patient/id`. */
  readonly patients: readonly string[];
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
  readonly #referred = new Set<string>();
  readonly #themselves = new Set<string>();
  /** Of those that read nothing is kept, which are most. */
  #changes: AccessNotes | undefined;

  /** What AuditEvents name is not looked for: else each look at them would be about all those patients. */
  show({ type, id, versionId, body }: ShownVersion): void {
    this.answeredCount += 1;
    if (this.#answered.length < answeredMax)
      this.#answered.push(versionId === 0 ? `${type}/${id}` : `${type}/${id}/_history/${versionId}`);
    if (type === 'Patient') this.#themselves.add(`Patient/${id}`);
    else if (body !== undefined && versionId > 0 && type !== 'AuditEvent')
      for (const patient of patientsReferred(body)) this.#refer(patient);
  }

  /** The version that a change has made, and whom it is or was about. */
  change(version: string, patients: readonly string[]): void {
    this.#changes ??= new AccessNotes();
    this.#changes.add({ versions: [version], count: 1, patients });
  }

  /** All that was shown and changed. */
  kept(): Kept {
    const all = new AccessNotes();
    const shown = { versions: this.#answered, count: this.answeredCount, patients: this.patients };
    for (const one of this.#changes ? [this.#changes.kept(), shown] : [shown]) all.add(one);
    return { versions: all.answered, count: all.answeredCount, patients: all.patients };
  }

  /** An answer is given again; what an attempt noted that was rolled back is not shown by it. */
  giveAgain(kept: Kept): void {
    this.recorded = 0;
    this.isTold = false;
    this.answeredCount = 0;
    this.#answered.length = 0;
    this.#referred.clear();
    this.#themselves.clear();
    this.#changes = undefined;
    this.add(kept);
  }

  /** What a part of the interaction has shown. */
  add({ versions, count, patients }: Kept): void {
    this.answeredCount += count;
    for (const version of versions) {
      const isNamed = this.#answered.length < answeredMax;
      if (isNamed) this.#answered.push(version);
      const [patient] = /^Patient\/[^/]+/.exec(version) ?? [];
      if (patient && isNamed) this.#themselves.add(patient);
      else if (patient) this.#refer(patient);
    }
    for (const patient of patients) this.#refer(patient);
  }

  /** Versioned references. */
  get answered(): readonly string[] {
    return this.#answered;
  }

  /** `Patient/id` of those whom it refers to, but for those who are answered themselves, as with their Appointments on a schedule. */
  get patients(): readonly string[] {
    return this.#referred.size === 0 ? none : [...this.#referred.difference(this.#themselves)];
  }

  #refer(patient: string): void {
    if (this.#referred.size < patientsMax && !this.#themselves.has(patient)) this.#referred.add(patient);
  }
}

const none: readonly string[] = [];
