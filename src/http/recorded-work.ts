// Runs an interaction so that what it shows is known, and puts it on record where a transaction of its own writes.

import type { AccessBlock } from '../audit/trail/access-block.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import type { WorkKind } from '../database/tenant-transaction.ts';
import type { Session } from '../repository/session.ts';
import type { InteractionResponse } from './interaction.ts';
import { type RequestAccess, unrecordedFacts } from './request-access.ts';

export class RecordedWork {
  readonly #trail: AccessTrail;
  readonly #access: RequestAccess;
  /** Of the last attempt. */
  #block: AccessBlock | undefined;

  constructor(trail: AccessTrail, access: RequestAccess) {
    this.#trail = trail;
    this.#access = access;
  }

  /** May be called again after what it did was rolled back. */
  async run(
    session: Session,
    kind: WorkKind,
    work: (session: Session) => Promise<InteractionResponse>,
  ): Promise<InteractionResponse> {
    const access = this.#access;
    this.#block = undefined;
    const response = await work({ ...session, notes: access.begin() });
    this.#show(response);
    // Changes that are committed must not be answered with a 503 for want of the record.
    const facts = kind === 'write' ? unrecordedFacts(access, response.status) : [];
    if (facts.length > 0) this.#block = this.#trail.recordIn(session, facts);
    return response;
  }

  #show({ body }: InteractionResponse): void {
    if (this.#access.interaction === 'operation' && typeof body === 'string') this.#access.shownText = body;
  }

  /** To be called when the transaction is committed. `isLater`: the interaction itself has not run yet. */
  done(response: InteractionResponse, isLater = false): void {
    const access = this.#access;
    // It may be one of before, for which nothing has run.
    this.#show(response);
    if (this.#block && access.tenantId !== undefined) this.#trail.committed(access.tenantId, this.#block);
    access.isRecorded = isLater || this.#block !== undefined || access.notes.recorded > 0 || access.notes.isTold;
  }
}
