// Each entry of a batch in a transaction of its own; under an Idempotency-Key each takes effect once (contract.md 8).

import { AccessNotes } from '../access/access-notes.ts';
import type { Caller } from '../access/caller.ts';
import type { RunEntry } from '../bundles/batch.ts';
import type { ParsedEntry } from '../bundles/bundle-entry.ts';
import { errorResponse, refusalResponse } from '../bundles/entry-response.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { inSession, type Session } from '../repository/session.ts';
import { answerOnce, isWithheld, keyOfPart, type RequestKey } from './idempotency.ts';
import { type InteractionResponse, type SystemOptions, textOfBody } from './interaction.ts';
import type { RecordEntry } from './record-entry.ts';

export interface BatchOptions {
  readonly caller: Caller;
  readonly key: RequestKey | undefined;
  /** Told of each entry, but of one that changed something. */
  readonly record: RecordEntry;
}

/** A batch that is sent again goes on where it was cut off: what was done before is answered as it was. */
export function batchEntries(
  { repository, onFailure }: SystemOptions,
  { caller, key, record }: BatchOptions,
): RunEntry {
  const refusalOf = (error: unknown): FhirError => {
    if (error instanceof FhirError) return error;
    onFailure(error);
    return fhirError('exception', 'The server failed at this entry; its log has the detail.');
  };

  async function answer(entry: ParsedEntry, { work, notes }: NotedWork, kind: 'read' | 'write'): Promise<string> {
    let hasBegun = false;
    const begin = async (session: Session): Promise<InteractionResponse> => {
      hasBegun = true;
      return { status: 200, headers: {}, body: await work(session) };
    };
    try {
      if (!key) return await inSession(repository, caller, work, kind);
      return textOf(await answerOnce({ repository, caller, key: keyOfPart(key, entry.index), notes }, begin));
    } catch (error) {
      // The key was refused, not the entry: it was used with another body, or the first request still runs.
      if (key && !hasBegun && !isWithheld(error)) throw error;
      throw new EntryRefusal(refusalOf(error));
    }
  }

  return {
    async run(entry, work, kind) {
      let notes = new AccessNotes();
      const noted: NotedWork = {
        work(session) {
          notes = new AccessNotes();
          return work({ ...session, notes });
        },
        notes: () => notes,
      };
      try {
        const text = await answer(entry, noted, kind);
        record.answered(entry, notes, text);
        return text;
      } catch (error) {
        if (!(error instanceof EntryRefusal)) throw error;
        record.refused(entry, error.reason);
        return errorResponse(error.reason);
      }
    },
    refuse({ index, method, url }, error) {
      const reason = refusalOf(error);
      record.refused({ index, method, path: url, query: new URLSearchParams() }, reason);
      return errorResponse(reason);
    },
  };
}

interface NotedWork {
  work(session: Session): Promise<string>;
  /** Of its last attempt. */
  notes(): AccessNotes;
}

/** What an entry throws ends that entry; everything else ends the batch. */
class EntryRefusal extends Error {
  override readonly name = 'EntryRefusal';
  readonly reason: FhirError;

  constructor(reason: FhirError) {
    super('An entry was refused.');
    this.reason = reason;
  }
}

/** A kept refusal is an OperationOutcome, everything else the text of the entry's answer. */
function textOf({ status, body }: InteractionResponse): string {
  const text = textOfBody(body) ?? '';
  return status < 400 ? text : refusalResponse(status, text);
}
