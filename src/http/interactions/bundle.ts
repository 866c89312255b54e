// POST [base]: batch and transaction: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle } from '@medplum/fhirtypes';
import { type RunEntry, runBatch } from '../../bundles/batch.ts';
import { prepareTransaction } from '../../bundles/transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { acceptAsync } from '../async/accept.ts';
import { batchEntries } from '../batch-entries.ts';
import type { FindRoute } from '../dispatch.ts';
import { answerEntries } from '../entry-requests.ts';
import { answerOnce } from '../idempotency.ts';
import type { InteractionRequest, InteractionResponse, SystemInteraction, SystemOptions } from '../interaction.ts';
import { prefersAsync, returnPreference } from '../prefer.ts';
import { answeredFacts, recordEntries } from '../record-entry.ts';
import { RecordedWork } from '../recorded-work.ts';
import type { RequestAccess } from '../request-access.ts';

export const bundleEntriesMax = 10_000;

/** In which transactions a bundle is done. */
export interface BundleRunner {
  transaction(work: (session: Session) => Promise<InteractionResponse>): Promise<InteractionResponse>;
  readonly entries: RunEntry;
  /** Of the request that carries the bundle. */
  readonly access: RequestAccess;
}

export function createBundleInteraction(find: FindRoute): SystemInteraction {
  return async (options, caller, request, key) => {
    const { access } = request;
    if (!access) throw new Error('A bundle came by no request.');
    const inTransaction: BundleRunner['transaction'] = (work) =>
      key
        ? answerOnce({ repository: options.repository, caller, key, notes: () => access.notes }, work)
        : inSession(options.repository, caller, work);
    if (prefersAsync(request)) {
      const response = await inTransaction((session) => acceptAsync(session, '', request));
      // It is put on record when it is done.
      access.isRecorded = true;
      return response;
    }
    return await answerBundle(options, find, request, {
      access,
      entries: batchEntries(options, { caller, key, record: recordEntries(find, access) }),
      async transaction(work) {
        const recording = new RecordedWork(options.trail, access);
        const response = await inTransaction((session) => recording.run(session, 'write', work));
        recording.done(response);
        return response;
      },
    });
  };
}

export async function answerBundle(
  { repository }: SystemOptions,
  find: FindRoute,
  request: InteractionRequest,
  runner: BundleRunner,
): Promise<InteractionResponse> {
  const bundle = requireBundle(request);
  const parts = {
    bundle,
    exactNumbers: request.body?.exactNumbers,
    baseUrl: request.baseUrl,
    returns: returnPreference(request) ?? 'representation',
    answer: answerEntries(find, request),
  };
  const { access } = runner;
  access.interaction = bundle.type === 'batch' ? 'batch' : 'transaction';
  if (bundle.type === 'batch') {
    const entries = await runBatch(repository.definitions, { ...parts, entries: runner.entries });
    return responseOf('batch-response', entries);
  }
  const run = prepareTransaction(parts);
  return await runner.transaction(async (session) => {
    const { responses, unchanged } = await run(session);
    access.entries = unchanged.flatMap(({ entry, notes }) => {
      // Should all of it be given again.
      access.notes.add(notes.kept());
      const text = responses[entry.index] as string;
      return answeredFacts(find, access, { entry, notes, text }) ?? [];
    });
    return responseOf('transaction-response', responses);
  });
}

function requireBundle(request: InteractionRequest): Bundle {
  const bundle = request.body?.value as Partial<Bundle> | null | undefined;
  if (typeof bundle !== 'object' || bundle?.resourceType !== 'Bundle') {
    throw fhirError('invalid', 'The base URL takes a Bundle of type batch or transaction.', {
      expression: 'resourceType',
    });
  }
  if (bundle.type !== 'batch' && bundle.type !== 'transaction') {
    throw fhirError('value', 'Bundle.type must be batch or transaction.', { status: 400, expression: 'Bundle.type' });
  }
  if (bundle.entry !== undefined && !Array.isArray(bundle.entry)) {
    throw fhirError('structure', 'Bundle.entry must be an array.', { expression: 'Bundle.entry' });
  }
  if ((bundle.entry?.length ?? 0) > bundleEntriesMax) {
    throw fhirError('too-costly', `A bundle takes at most ${bundleEntriesMax} entries.`, {
      status: 413,
      expression: 'Bundle.entry',
    });
  }
  return bundle as Bundle;
}

function responseOf(type: string, entries: readonly string[]): InteractionResponse {
  const head = `{"resourceType":"Bundle","type":"${type}"`;
  // FHIR has no empty arrays: https://hl7.org/fhir/R4/json.html#xml
  const body = entries.length === 0 ? `${head}}` : `${head},"entry":[${entries.join(',')}]}`;
  return { status: 200, headers: {}, body };
}
