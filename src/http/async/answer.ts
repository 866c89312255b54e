// Answers a request of the background by the same interactions as one that is waited for.

import { createHash } from 'node:crypto';
import { answerResponse } from '../../bundles/entry-response.ts';
import type { FhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { answerRouted } from '../answer-routed.ts';
import { batchEntries } from '../batch-entries.ts';
import type { FindRoute } from '../dispatch.ts';
import type { RequestKey } from '../idempotency.ts';
import { type SystemOptions, textOfBody } from '../interaction.ts';
import { answerBundle } from '../interactions/bundle.ts';
import { recordEntries } from '../record-entry.ts';
import { accessCodeOf, issueOf, RequestAccess, unrecordedFacts } from '../request-access.ts';
import { type BackgroundRequest, fromBackground } from './background-request.ts';
import type { AnswerBackground, Progress } from './job.ts';

export function createAnswerBackground(options: SystemOptions, find: FindRoute): AnswerBackground {
  return {
    async run(session, background, progress) {
      const access = accessOf(session, background, progress.requestId);
      const text = background.path === '' ? await bundle() : await interaction();
      // Nobody is told of the answer before the job has kept it, which is after this.
      const facts = unrecordedFacts(access, 200);
      if (facts.length > 0) await options.trail.record(session.trx.tenantId, facts);
      return text;

      async function bundle(): Promise<string> {
        const { caller } = session;
        const record = recordEntries(find, access);
        const entries = batchEntries(options, { caller, key: keyOf(progress.requestId), record });
        const { status, body } = await answerBundle(options, find, fromBackground(background, {}), {
          access,
          entries: {
            async run(...entry) {
              await progress.beat();
              return await entries.run(...entry);
            },
            refuse: entries.refuse,
          },
          transaction: (work) => work({ ...session, notes: access.begin() }),
        });
        return answerResponse({ status, headers: {}, body: textOfBody(body) });
      }

      async function interaction(): Promise<string> {
        const { route, params } = find(background.method, background.path);
        access.interaction = accessCodeOf(route);
        const noted = { ...session, notes: access.begin() };
        const answer = await answerRouted(noted, route, fromBackground(background, params));
        if (access.interaction === 'operation') access.shownText = answer.body;
        return answerResponse(answer);
      }
    },
    async refused(session, background, { requestId }: Pick<Progress, 'requestId'>, error: FhirError) {
      const access = accessOf(session, background, requestId);
      const interaction =
        background.path === '' ? undefined : accessCodeOf(find(background.method, background.path).route);
      const facts = access.facts({ interaction, status: error.status, issue: issueOf(error) });
      await options.trail.record(session.trx.tenantId, [facts]);
    },
  };
}

function accessOf({ trx, repository }: Session, background: BackgroundRequest, jobId: string): RequestAccess {
  const { method, path, query, caller, from } = background;
  const access = new RequestAccess({
    ...{ method, path, query: new URLSearchParams(query as [string, string][]).toString() },
    ...{ address: from?.address, requestId: from?.requestId ?? jobId, now: repository.now },
  });
  access.tenantId = trx.tenantId;
  access.caller = caller;
  return access;
}

/** Under it each entry of a batch is done once, however often the job starts. */
function keyOf(requestId: string): RequestKey {
  const key = createHash('sha256').update(`async request ${requestId}`).digest();
  return { key, bodyHash: key };
}
