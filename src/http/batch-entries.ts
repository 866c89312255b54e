// Each entry of a batch in a transaction of its own; under an Idempotency-Key each takes effect once (contract.md 8).

import type { Caller } from '../access/caller.ts';
import { entryError, type RunEntry } from '../bundles/batch.ts';
import { refusalResponse } from '../bundles/entry-response.ts';
import { inSession, type Session } from '../repository/session.ts';
import { answerOnce, keyOfPart, type RequestKey } from './idempotency.ts';
import { type InteractionResponse, type SystemOptions, textOfBody } from './interaction.ts';

/** A batch that is sent again goes on where it was cut off: what was done before is answered as it was. */
export function batchEntries(
  { repository, onFailure }: SystemOptions,
  caller: Caller,
  key: RequestKey | undefined,
): RunEntry {
  return async (index, work, kind) => {
    let hasBegun = false;
    const begin = async (session: Session): Promise<InteractionResponse> => {
      hasBegun = true;
      return { status: 200, headers: {}, body: await work(session) };
    };
    try {
      if (!key) return await inSession(repository, caller, work, kind);
      return textOf(await answerOnce(repository, caller, keyOfPart(key, index), begin));
    } catch (error) {
      // The key was refused, not the entry: it was used with another body, or the first request still runs.
      if (key && !hasBegun) throw error;
      return entryError(error, onFailure);
    }
  };
}

/** A kept refusal is an OperationOutcome, everything else the text of the entry's answer. */
function textOf({ status, body }: InteractionResponse): string {
  const text = textOfBody(body) ?? '';
  return status < 400 ? text : refusalResponse(status, text);
}
