// POST [base]/Binary and PUT [base]/Binary/[id] with the content itself as the body: https://hl7.org/fhir/R4/binary.html#rest

import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Binary } from '@medplum/fhirtypes';
import type { ParameterizedContext } from 'koa';
import { requirePermission } from '../../access/may.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import { openBinary } from '../../repository/binary.ts';
import { type Upload, uploadBinary } from '../../repository/binary-upload.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { answerOnce, requestKey } from '../idempotency.ts';
import type { Interaction, InteractionRequest, InteractionResponse, RawBody } from '../interaction.ts';
import { returnPreference } from '../prefer.ts';
import { answerBinary } from './binary-answer.ts';
import { createInteraction } from './create.ts';
import { updateInteraction } from './update.ts';

/**
 * Both run outside a transaction (`lookup`) and open their own once the content is stored: a transaction must not wait for
 * a client. A body in FHIR's own formats is written as that of any other type.
 */
export const binaryCreateInteraction: Interaction = (session, request) =>
  writeBinary(session, { ...request, type: 'Binary' }, createInteraction);

export const binaryUpdateInteraction: Interaction = (session, request) =>
  writeBinary(session, { ...request, type: 'Binary' }, updateInteraction);

type Work = (session: Session) => Promise<InteractionResponse>;

async function writeBinary(
  session: Session,
  request: InteractionRequest,
  write: Interaction,
): Promise<InteractionResponse> {
  const { raw, body } = request;
  if (!raw) {
    const print = sha256().update(JSON.stringify(body?.value ?? null));
    return await inTransaction(session, request, print, (own) => write(own, request));
  }
  requirePermission(session.caller, request.method === 'POST' ? 'c' : 'u', 'Binary');
  const head = headOf(request, raw);
  const print = sha256().update(JSON.stringify(head));
  const upload = await uploadBinary(session, head, printed(raw.stream, print));
  const work = (own: Session) => writeUploaded(own, request, upload, write);
  const response = await keptOrDiscarded(upload, inTransaction(session, request, print, work));
  return returnPreference(request) === 'representation' ? await represented(session, request, response) : response;
}

async function writeUploaded(session: Session, request: InteractionRequest, upload: Upload, write: Interaction) {
  const { status, headers } = await write(session, { ...request, body: { value: upload.resource } });
  const isWritten = status === 201 || request.method === 'PUT';
  if (isWritten && !upload.isTaken()) throw new Error('A Binary would be stored without its content.');
  return { status, headers, body: undefined };
}

/** Removes what was uploaded for nothing. */
async function keptOrDiscarded(upload: Upload, writing: Promise<InteractionResponse>): Promise<InteractionResponse> {
  try {
    const response = await writing;
    // The answer was known already, or a condition was met.
    if (!upload.isTaken()) await upload.discard();
    return response;
  } catch (error) {
    // A refusal has committed nothing. After anything else a commit may have reached the database: see sweep-objects.ts.
    if (error instanceof FhirError && error.status < 500) await upload.discard();
    throw error;
  }
}

/** An Idempotency-Key covers what the body is and what it says. */
function inTransaction(session: Session, request: InteractionRequest, print: Hash, work: Work) {
  const { repository, caller, notes } = session;
  const asked = {
    get: (name: string) => request.header(name) ?? '',
    method: request.method,
    path: new URL(`${request.baseUrl}/Binary${request.id && `/${request.id}`}`).pathname,
    querystring: request.query.toString(),
  } as ParameterizedContext;
  const key = requestKey(asked, caller, print.digest());
  const noted: Work = (own) => work(notes ? { ...own, notes } : own);
  if (!key) return inSession(repository, caller, noted);
  return answerOnce({ repository, caller, key, ...(notes && { notes: () => notes }) }, noted);
}

/** What was written stays written, also for who may not read it or takes none of its forms. */
async function represented(
  session: Session,
  request: InteractionRequest,
  response: InteractionResponse,
): Promise<InteractionResponse> {
  const { Location = '', ETag = '' } = response.headers;
  const id = request.id || Location.split('/').at(-3);
  const versionId = /\d+/.exec(ETag)?.[0];
  try {
    const answer = await answerBinary(request, await openBinary(session, id ?? '', versionId));
    return { ...answer, status: response.status, headers: { ...answer.headers, ...response.headers } };
  } catch (error) {
    if (error instanceof FhirError) return response;
    throw error;
  }
}

/** The resource but for its `data`. */
function headOf(request: InteractionRequest, { mediaType }: RawBody): Binary {
  const reference = request.header('X-Security-Context');
  return {
    resourceType: 'Binary',
    ...(request.method === 'PUT' && { id: request.id }),
    contentType: mediaType.trim().replaceAll(/\s+/g, ' '),
    ...(reference !== undefined && { securityContext: { reference: requireReference(reference, request.baseUrl) } }),
  };
}

/** A URL below this base becomes relative, as references of this server are. */
function requireReference(text: string, baseUrl: string): string {
  const target = parseReference(text, baseUrl);
  if (text.length <= 2_000 && target.kind === 'external') return text;
  if (target.kind === 'resource') return text.startsWith(`${baseUrl}/`) ? text.slice(baseUrl.length + 1) : text;
  throw fhirError('value', 'X-Security-Context is a reference to a resource, such as Patient/1.', {
    status: 400,
    expression: 'Binary.securityContext',
  });
}

const sha256 = () => createHash('sha256');

async function* printed(stream: Readable, print: Hash): AsyncGenerator<Buffer, void> {
  // Whoever runs this again would store nothing.
  if (stream.readableDidRead) throw new Error('The content was read already.');
  for await (const piece of stream) {
    print.update(piece as Buffer);
    yield piece as Buffer;
  }
}
