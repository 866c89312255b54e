// Runs an interaction so that what it shows is known, and puts it on record where a transaction of its own writes.

import type { AccessBlock } from '../audit/trail/access-block.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import type { WorkKind } from '../database/tenant-transaction.ts';
import type { Session } from '../repository/session.ts';
import { type InteractionResponse, textOfBody } from './interaction.ts';
import { type RequestAccess, unrecordedFacts } from './request-access.ts';

const place = /\/(?<type>[A-Za-z]+)\/(?<id>[A-Za-z0-9\-.]{1,64})\/_history\/(?<versionId>\d+)$/;

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
    if (access.interaction === 'operation' && typeof response.body === 'string') access.shownText = response.body;
    // Changes that are committed must not be answered with a 503 for want of the record.
    const facts = kind === 'write' ? unrecordedFacts(access, response.status) : [];
    if (facts.length > 0) this.#block = this.#trail.recordIn(session, facts);
    return response;
  }

  /** To be called when the transaction is committed. `isLater`: the interaction itself has not run yet. */
  done({ headers: { Location = '' }, body }: InteractionResponse, isLater = false): void {
    const access = this.#access;
    // A kept answer shows what was made before.
    const { type, id, versionId } = place.exec(Location)?.groups ?? {};
    const wasShown = access.notes.recorded > 0 || access.notes.answeredCount > 0;
    if (type && id && !wasShown) access.notes.show({ type, id, versionId: Number(versionId), body: textOfBody(body) });
    if (this.#block && access.tenantId !== undefined) this.#trail.committed(access.tenantId, this.#block);
    access.isRecorded = isLater || this.#block !== undefined || access.notes.recorded > 0 || access.notes.isTold;
  }
}
