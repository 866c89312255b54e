// The access trail: what was read, searched or refused is stored for good before it is answered (security.md 1.8, attack 122).

import type { AccessFacts } from '../../access/access-facts.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import { createGroupCommit } from '../../database/group-commit.ts';
import type { Pool } from '../../database/pool.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Repository, Session } from '../../repository/session.ts';
import { type AccessBlock, accessBlock, insertBlock } from './access-block.ts';
import { behindWorkers } from './behind-workers.ts';
import { createExpander, type Expander } from './expander.ts';
import { startGroupStore } from './store-groups.ts';

export interface AccessTrail {
  /** Resolves when the facts are stored for good. Throws 503 when they cannot be: then nothing may be shown. */
  record(tenantId: number, facts: readonly AccessFacts[]): Promise<void>;
  /** In a transaction that writes, so that its changes and these facts are there together or not at all. */
  recordIn(session: Session, facts: readonly AccessFacts[]): AccessBlock;
  /** To be told when the transaction of `recordIn` is committed; whoever is not told of looks for them later. */
  committed(tenantId: number, block: AccessBlock): void;
  /** Makes AuditEvents of what is stored; what is left after a moment another process does. */
  close(): Promise<void>;
}

export interface AccessTrailOptions {
  readonly repository: Repository;
  /** Of the role of the tenant door. */
  readonly pool: Pool;
  /** Workers make AuditEvents of what this process has stored, as long as they keep up; without them it does so itself. */
  readonly leavesToWorkers?: boolean;
  /** Absent: the usual one. */
  readonly expander?: Expander;
  /** Told when facts do not become AuditEvents; they are tried again. */
  readonly onError: (error: unknown) => void;
}

interface Noted {
  readonly facts: readonly AccessFacts[];
  readonly cipher: TenantCipher;
}

const retryAfterSeconds = 2;
/** Of one block: more are parted. */
const factsPerBlockMax = 250;

export function createAccessTrail(options: AccessTrailOptions): AccessTrail {
  const { repository, pool, onError, leavesToWorkers = false } = options;
  const { expander: own = createExpander(repository, onError) } = options;
  const expander = leavesToWorkers ? behindWorkers(repository, own, onError) : own;
  const { keyRing } = repository;
  const endGroupStore = startGroupStore(repository);
  const commit = createGroupCommit<Noted>(pool, (tenantId, noted) => {
    const facts = noted.length === 1 ? (noted[0] as Noted).facts : noted.flatMap((one) => one.facts);
    const block = accessBlock(facts);
    return {
      statement: insertBlock((noted[0] as Noted).cipher, block, leavesToWorkers),
      committed: () => expander.add(tenantId, block),
    };
  });

  async function recordAll(tenantId: number, facts: readonly AccessFacts[]): Promise<void> {
    try {
      await expander.keptUp(tenantId);
      const cipher = keyRing.loadedCipherOf(tenantId) ?? (await keyRing.cipherOf(tenantId));
      for (let start = 0; start < facts.length; start += factsPerBlockMax) {
        await commit(tenantId, [{ facts: facts.slice(start, start + factsPerBlockMax), cipher }]);
      }
    } catch (error) {
      throw unrecorded(error);
    }
  }

  return {
    record: recordAll,
    recordIn({ trx, cipher }, facts) {
      const block = accessBlock(facts);
      trx.execute(insertBlock(cipher, block, leavesToWorkers));
      return block;
    },
    committed: expander.add,
    async close() {
      await Promise.all([expander.close(), endGroupStore()]);
    },
  };
}

function unrecorded(cause: unknown): Error {
  const diagnostics = 'What is asked for cannot be put on record now, so it is not answered; try again shortly.';
  return fhirError('transient', diagnostics, { cause, retryAfterSeconds });
}
