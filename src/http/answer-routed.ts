// Runs an interaction for a request that does not come as HTTP, and gives its whole answer: an entry of a bundle, or one of the background.

import type { EntryAnswer } from '../bundles/entry-request.ts';
import type { Session } from '../repository/session.ts';
import { plainFormat } from './answer-format.ts';
import { answerSubset } from './answer-subset.ts';
import { type InteractionRequest, wholeTextOfBody } from './interaction.ts';
import { represent } from './represent.ts';
import type { FhirRoute } from './route.ts';

export async function answerRouted(
  session: Session,
  { code, isAboutSearch, run }: FhirRoute,
  request: InteractionRequest,
): Promise<EntryAnswer> {
  const { status, headers, lastModified, body } = await run(session, { ...request, isForBundle: true });
  const text = await wholeTextOfBody(body);
  const subset = isAboutSearch ? undefined : answerSubset(code, request.query);
  const { definitions } = session.repository;
  return {
    status,
    headers,
    ...(lastModified ? { lastModified } : {}),
    body: text !== undefined && subset ? represent(definitions, text, { format: plainFormat, subset }) : text,
  };
}
