// Answers a request of the background by the same interactions as one that is waited for.

import { createHash } from 'node:crypto';
import { answerResponse } from '../../bundles/entry-response.ts';
import { answerRouted } from '../answer-routed.ts';
import { batchEntries } from '../batch-entries.ts';
import type { FindRoute } from '../dispatch.ts';
import type { RequestKey } from '../idempotency.ts';
import { type SystemOptions, textOfBody } from '../interaction.ts';
import { answerBundle } from '../interactions/bundle.ts';
import { fromBackground } from './background-request.ts';
import type { AnswerBackground } from './job.ts';

export function createAnswerBackground(options: SystemOptions, find: FindRoute): AnswerBackground {
  return async (session, background, { requestId, beat }) => {
    if (background.path === '') {
      const run = batchEntries(options, session.caller, keyOf(requestId));
      const { status, body } = await answerBundle(options, find, fromBackground(background, {}), {
        transaction: (work) => work(session),
        async entry(index, work, kind) {
          await beat();
          return await run(index, work, kind);
        },
      });
      return answerResponse({ status, headers: {}, body: textOfBody(body) });
    }
    const { route, params } = find(background.method, background.path);
    return answerResponse(await answerRouted(session, route, fromBackground(background, params)));
  };
}

/** Under it each entry of a batch is done once, however often the job starts. */
function keyOf(requestId: string): RequestKey {
  const key = createHash('sha256').update(`async request ${requestId}`).digest();
  return { key, bodyHash: key };
}
