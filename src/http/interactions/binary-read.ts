// GET [base]/Binary/[id] and its versions: https://hl7.org/fhir/R4/binary.html#rest

import { type OpenBinary, openBinary } from '../../repository/binary.ts';
import type { Session } from '../../repository/session.ts';
import { isNotModified } from '../../repository/version-test.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { answerBinary } from './binary-answer.ts';

export async function binaryReadInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return await answerUnlessKnown(request, await openBinary(session, request.id));
}

export async function binaryVreadInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return await answerUnlessKnown(request, await openBinary(session, request.id, request.versionId));
}

/** As answerVersion does for what is no stream. */
async function answerUnlessKnown(request: InteractionRequest, binary: OpenBinary): Promise<InteractionResponse> {
  const conditions = {
    ifNoneMatch: request.header('If-None-Match'),
    ifModifiedSince: request.header('If-Modified-Since'),
  };
  if (isNotModified(conditions, binary)) {
    return { status: 304, headers: versionHeaders(binary), lastModified: binary.lastUpdated, body: undefined };
  }
  return await answerBinary(request, binary);
}
