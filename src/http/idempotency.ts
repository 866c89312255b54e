// A repeated write with the same Idempotency-Key gets the first answer again (contract.md 8): draft-ietf-httpapi-idempotency-key-header.

import { createHash } from 'node:crypto';
import type { ParameterizedContext } from 'koa';
import type { AccessNotes, Kept } from '../access/access-notes.ts';
import { type Caller, ownerOf } from '../access/caller.ts';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import { FhirError, fhirError, toOperationOutcome } from '../fhir/outcome.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import { type InteractionResponse, textOfBody } from './interaction.ts';
import { rightsDigest } from './kept-rights.ts';
import { mayBeShown } from './shown-again.ts';

export interface RequestKey {
  /** SHA-256 of client, method, path and the client's key. */
  readonly key: Buffer;
  readonly bodyHash: Buffer;
}

const keySyntax = /^[\x20-\x7e]{1,255}$/;
/** An answer that was moved to another key does not open. */
const answerContext = (key: Buffer) => `idempotency answer|${key.toString('hex')}`;

export const answerColumn: SealedColumn = {
  ...{ table: 'idempotency_key', column: 'answer', key: [{ name: 'key', type: 'bytea' }] },
  contextOf: ([key = '']) => answerContext(Buffer.from(key, 'hex')),
};

/** The key of a request that names one; the scope is one client, method and path. */
export function requestKey(ctx: ParameterizedContext, caller: Caller, body: Buffer): RequestKey | undefined {
  const given = ctx.get('Idempotency-Key');
  if (given === '') return undefined;
  if (!keySyntax.test(given)) {
    throw fhirError('value', 'An Idempotency-Key is 1 to 255 printable characters.', { status: 400 });
  }
  return {
    key: sha256(JSON.stringify([ownerOf(caller), ctx.method, ctx.path, given])),
    // The criteria of a conditional write are as much of what is asked for as the body.
    bodyHash: createHash('sha256')
      .update(`${ctx.get('If-None-Exist')}\n${ctx.querystring}`)
      .update(body)
      .digest(),
  };
}

/** The key of one of several things that a request asks for, each done for itself. */
export function keyOfPart({ key, bodyHash }: RequestKey, index: number): RequestKey {
  return { key: sha256(`${key.toString('hex')} ${index}`), bodyHash };
}

export interface AnsweredOnce {
  readonly repository: Repository;
  readonly caller: Caller;
  readonly key: RequestKey;
  /** Of the last attempt of the work, and without one those of the request: told of what an answer shows that is given again. */
  readonly notes?: () => AccessNotes;
}

/** With what it is about, where that is put on record, and the rights it was made with. */
interface KeptAnswer extends InteractionResponse {
  readonly kept?: Kept | undefined;
  /** Absent in a refusal, which shows nothing. */
  readonly rights?: string;
}

/**
 * Runs `work` unless its answer is known, and keeps the answer in the transaction of its effects; a refusal (4xx) is kept
 * too. Throws 422 for the same key with another body, 409 while the first request still runs, and 403 for an answer that the
 * caller may not see any more.
 */
export async function answerOnce(
  { repository, caller, key, notes }: AnsweredOnce,
  work: (session: Session) => Promise<InteractionResponse>,
): Promise<InteractionResponse> {
  let claimed = false;
  try {
    return await inSession(repository, caller, async (session) => {
      const earlier = await claim(session, key);
      if (earlier) return await given(session, earlier, notes?.());
      claimed = true;
      const response = await work(session);
      const rights = rightsDigest(caller);
      keep(session, key, { ...response, body: textOfBody(response.body), kept: notes?.().kept(), rights });
      return response;
    });
  } catch (error) {
    if (claimed && error instanceof FhirError && error.status < 500) await keepRefusal(repository, caller, key, error);
    throw error;
  }
}

async function given(
  session: Session,
  { kept, rights, ...response }: KeptAnswer,
  notes: AccessNotes | undefined,
): Promise<InteractionResponse> {
  const hasRights = rights === rightsDigest(session.caller);
  if (!(await mayBeShown(session, { text: textOfBody(response.body), hasRights }))) throw withheld();
  if (kept) notes?.giveAgain(kept);
  return response;
}

function withheld(): FhirError {
  return fhirError(
    'forbidden',
    'This was done before; what was answered then may not be shown to this access token now.',
  );
}

/** True for an answer that is there and is not shown: nothing is done again. */
export function isWithheld(error: unknown): error is FhirError {
  return error instanceof FhirError && error.status === 403;
}

/** The kept answer; without one the key is this transaction's until it ends. */
async function claim(session: Session, { key, bodyHash }: RequestKey): Promise<KeptAnswer | undefined> {
  const locked = session.trx.query<{ locked: boolean }>({
    name: 'claim-key',
    text: 'SELECT pg_try_advisory_xact_lock($1::int, $2::int) AS locked',
    values: [key.readInt32BE(0) ^ session.trx.tenantId, key.readInt32BE(4)],
  });
  const rows = await session.trx.query<{ body_hash: Buffer; answer: Buffer }>({
    name: 'kept-answer',
    text: 'SELECT body_hash, answer FROM idempotency_key WHERE key = $1',
    values: [key],
  });
  const [kept] = rows;
  if (kept && !kept.body_hash.equals(bodyHash)) {
    throw fhirError('business-rule', 'This Idempotency-Key was used with another body.');
  }
  if (kept) return JSON.parse(session.cipher.open(kept.answer, answerContext(key)).toString()) as KeptAnswer;
  if ((await locked)[0]?.locked !== true) {
    throw fhirError('conflict', 'The first request with this Idempotency-Key still runs; try again shortly.');
  }
  return undefined;
}

function keep(session: Session, { key, bodyHash }: RequestKey, response: KeptAnswer): void {
  const answer = Buffer.from(JSON.stringify(response));
  session.trx.execute({
    name: 'keep-answer',
    text: 'INSERT INTO idempotency_key (key, body_hash, status, answer) VALUES ($1, $2, $3, $4)',
    values: [key, bodyHash, response.status, session.cipher.seal(answer, answerContext(key))],
  });
}

async function keepRefusal(repository: Repository, caller: Caller, key: RequestKey, error: FhirError): Promise<void> {
  const body = JSON.stringify(toOperationOutcome(error.issues));
  await inSession(repository, caller, async (session) => {
    if ((await claim(session, key)) === undefined) keep(session, key, { status: error.status, headers: {}, body });
  });
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
