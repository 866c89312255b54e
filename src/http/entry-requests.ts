// Entries of a bundle that are no writes of it, answered by the interactions of the route table as if they came alone.

import type { AnswerRequest, EntryRequest } from '../bundles/entry-request.ts';
import { answerRouted } from './answer-routed.ts';
import type { FindRoute } from './dispatch.ts';
import type { InteractionRequest, RequestMethod } from './interaction.ts';

/** `outer` is the request that carries the bundle. */
export function answerEntries(find: FindRoute, outer: InteractionRequest): AnswerRequest {
  return async (session, entry) => {
    const { route, params } = find(entry.method, entry.path);
    const answer = await answerRouted(session, route, toInteraction(outer, entry, params));
    return entry.method === 'HEAD' ? { ...answer, body: undefined } : answer;
  };
}

function toInteraction(
  outer: InteractionRequest,
  entry: EntryRequest,
  params: Readonly<Record<string, string>>,
): InteractionRequest {
  const { type = '', id = '', versionId = '' } = params;
  const { resource: value, exactNumbers } = entry;
  return {
    method: (entry.method === 'HEAD' ? 'GET' : entry.method) as RequestMethod,
    baseUrl: outer.baseUrl,
    type,
    id,
    versionId,
    params,
    query: entry.query,
    body: value && { value, ...(exactNumbers ? { exactNumbers } : {}) },
    header: (name) => entry.headers[name] ?? inherited(outer, name),
  };
}

/** How strict a search is, is said of the whole bundle. */
function inherited(outer: InteractionRequest, name: string): string | undefined {
  return name === 'Prefer' ? outer.header(name) : undefined;
}
