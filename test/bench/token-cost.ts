// What the check of an access token adds to a read: on a token's first use, and on the next ones within a second (README, Figures).

import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { openDoors } from '../../src/doors.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createAuthenticator } from '../../src/smart/caller.ts';
import { issuerUrls } from '../../src/smart/urls.ts';
import { readSigningKeys } from '../../src/tenants/signing-key.ts';
import type { FhirApi } from './fhir-api.ts';
import { percentile } from './measure.ts';
import { keysOf, superuserUrl } from './processes.ts';
import type { SingleFigure } from './report.ts';

const batches = 8;
const tokensPerBatch = 50;
/** Batches that are not counted: the code of a first use has to be compiled like that of any other request. */
const batchesBefore = 2;
const repeatedChecks = 200_000;
const goals = { repeated: 5, first: 30 };

/**
 * Reads `path` over one connection, nothing else running: with a token that was never used, and at once with the same one again. The
 * tokens were all issued before, so that neither read pays for what a request for a token leaves behind.
 */
export async function tokenFigures(api: FhirApi, path: string, place: TokenPlace): Promise<SingleFigure[]> {
  const first: number[] = [];
  const repeated: number[] = [];
  for (let batch = 0; batch < batchesBefore + batches; batch++) {
    const tokens: string[] = [];
    while (tokens.length < tokensPerBatch) tokens.push(await api.freshAuthorization());
    for (const authorization of tokens) {
      const [firstMs, repeatedMs] = [await readMs(api, path, authorization), await readMs(api, path, authorization)];
      if (batch < batchesBefore) continue;
      first.push(firstMs);
      repeated.push(repeatedMs);
    }
  }
  const readMedianMs = percentile(repeated, 0.5);
  const share = (ms: number) => (100 * ms) / readMedianMs;
  const checkMs = await repeatedCheckMs(await api.freshAuthorization(), place);
  return [
    { name: 'token check, repeated, of a read', value: share(checkMs), unit: '%', goal: goals.repeated },
    {
      name: 'token check, first use, of a read',
      value: share(percentile(first, 0.5) - readMedianMs),
      unit: '%',
      goal: goals.first,
    },
  ];
}

export interface TokenPlace {
  readonly dataDir: string;
  readonly tenantId: number;
}

async function readMs(api: FhirApi, path: string, authorization: string): Promise<number> {
  const sentAt = performance.now();
  await api.readAs(authorization, path);
  return performance.now() - sentAt;
}

/** In this process, on the same database: there is no server without the check to compare with. */
async function repeatedCheckMs(header: string, { dataDir, tenantId }: TokenPlace): Promise<number> {
  const doors = openDoors({ databaseUrl: superuserUrl(dataDir), ...keysOf(dataDir), onIdleError: () => undefined });
  try {
    const cipher = await doors.keyRing.cipherOf(tenantId);
    const keys = await doors.tenantDoor(tenantId, (trx) => readSigningKeys(trx, cipher));
    const { iss = '' } = JSON.parse(Buffer.from(header.split('.')[1] ?? '', 'base64url').toString()) as {
      iss?: string;
    };
    const [publicUrl = '', tenant = ''] = iss.split('/t/');
    const authenticator = createAuthenticator({
      ...doors,
      tenantId,
      urls: issuerUrls(publicUrl, tenant),
      publicKeys: createLocalJWKSet({ keys: keys.map(({ d: _, ...publicKey }) => publicKey) } as JSONWebKeySet),
      resourceTypes: loadDefinitions().resourceTypes,
    });
    const startedAt = performance.now();
    let loads = 0;
    for (let n = 0; n < repeatedChecks; n++) {
      const found = authenticator.authenticate(header);
      if (found instanceof Promise) {
        loads += 1;
        await found;
      }
    }
    if (loads === 0) throw new Error('The token was never loaded.');
    return (performance.now() - startedAt) / repeatedChecks;
  } finally {
    await doors.close();
  }
}
