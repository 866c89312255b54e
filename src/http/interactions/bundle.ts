// POST [base]: batch and transaction: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle } from '@medplum/fhirtypes';
import type { Caller } from '../../access/caller.ts';
import { runBatch } from '../../bundles/batch.ts';
import { runTransaction } from '../../bundles/transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { batchEntries } from '../batch-entries.ts';
import { answerOnce, type RequestKey } from '../idempotency.ts';
import type { InteractionRequest, InteractionResponse, SystemOptions } from '../interaction.ts';
import { searchBundle } from './search-type.ts';

const entriesMax = 10_000;

export async function bundleInteraction(
  options: SystemOptions,
  caller: Caller,
  request: InteractionRequest,
  key: RequestKey | undefined,
): Promise<InteractionResponse> {
  const bundle = requireBundle(request);
  const { repository, onFailure } = options;
  const search = (session: Session, type: string, query: URLSearchParams) =>
    searchBundle(session, { ...request, type, query });
  const parts = { bundle, exactNumbers: request.body?.exactNumbers, baseUrl: request.baseUrl, search };
  if (bundle.type === 'batch') {
    const run = batchEntries(options, caller, key);
    return answer('batch-response', await runBatch(repository.definitions, { ...parts, run, onFailure }));
  }
  const work = async (session: Session) => answer('transaction-response', await runTransaction(session, parts));
  if (key) return await answerOnce(repository, caller, key, work);
  return await inSession(repository, caller, work);
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
  if ((bundle.entry?.length ?? 0) > entriesMax) {
    throw fhirError('too-costly', `A bundle takes at most ${entriesMax} entries.`, {
      status: 413,
      expression: 'Bundle.entry',
    });
  }
  return bundle as Bundle;
}

function answer(type: string, entries: readonly string[]): InteractionResponse {
  return {
    status: 200,
    headers: {},
    body: `{"resourceType":"Bundle","type":"${type}","entry":[${entries.join(',')}]}`,
  };
}
