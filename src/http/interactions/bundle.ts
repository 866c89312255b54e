// POST [base]: batch and transaction: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle } from '@medplum/fhirtypes';
import type { Caller } from '../../access/caller.ts';
import { type RunEntry, runBatch } from '../../bundles/batch.ts';
import { prepareTransaction } from '../../bundles/transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { acceptAsync } from '../async/accept.ts';
import { batchEntries } from '../batch-entries.ts';
import type { FindRoute } from '../dispatch.ts';
import { answerEntries } from '../entry-requests.ts';
import { answerOnce, type RequestKey } from '../idempotency.ts';
import type { InteractionRequest, InteractionResponse, SystemInteraction, SystemOptions } from '../interaction.ts';
import { prefersAsync, returnPreference } from '../prefer.ts';

export const bundleEntriesMax = 10_000;

/** In which transactions a bundle is done. */
export interface BundleRunner {
  transaction(work: (session: Session) => Promise<InteractionResponse>): Promise<InteractionResponse>;
  readonly entry: RunEntry;
}

export function createBundleInteraction(find: FindRoute): SystemInteraction {
  return async (options, caller, request, key) => {
    const runner = runnerOf(options, caller, key);
    if (prefersAsync(request)) return await runner.transaction((session) => acceptAsync(session, '', request));
    return await answerBundle(options, find, request, runner);
  };
}

function runnerOf(options: SystemOptions, caller: Caller, key: RequestKey | undefined): BundleRunner {
  const { repository } = options;
  return {
    transaction: (work) => (key ? answerOnce(repository, caller, key, work) : inSession(repository, caller, work)),
    entry: batchEntries(options, caller, key),
  };
}

export async function answerBundle(
  { repository, onFailure }: SystemOptions,
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
  if (bundle.type === 'batch') {
    const entries = await runBatch(repository.definitions, { ...parts, run: runner.entry, onFailure });
    return responseOf('batch-response', entries);
  }
  const run = prepareTransaction(parts);
  return await runner.transaction(async (session) => responseOf('transaction-response', await run(session)));
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
