// Stores the groups of tokens that AuditEvents of this process will name (src/repository/token-groups.ts), apart from what it answers.

import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import { insertTokenGroups, wantsTokenGroups } from '../../repository/token-groups.ts';
import { expanderName } from './expand-blocks.ts';

const everyMs = 500;

/** Gives what ends it. Until a group is stored events hold its tokens themselves, so whatever fails is tried again, and that is all. */
export function startGroupStore(repository: Repository): () => Promise<void> {
  let storing: Promise<void> | undefined;
  const timer = setInterval(() => {
    storing ??= storeAll(repository).finally(() => {
      storing = undefined;
    });
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await storing;
  };
}

async function storeAll(repository: Repository): Promise<void> {
  const { keyRing } = repository;
  for (const tenantId of keyRing.loadedTenants()) {
    const cipher = keyRing.loadedCipherOf(tenantId);
    // One that fails keeps no other's waiting.
    if (cipher && wantsTokenGroups(cipher)) await store(repository, tenantId).catch(() => undefined);
  }
}

async function store(repository: Repository, tenantId: number): Promise<void> {
  const caller = serverCaller(tenantId, expanderName);
  const committed = await inSession(repository, caller, async (session) => insertTokenGroups(session));
  committed();
}
