// Stores the groups of tokens that AuditEvents of this process will name (src/repository/token-groups.ts), apart from what it answers.

import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import { insertTokenGroups, wantsTokenGroups } from '../../repository/token-groups.ts';
import { expanderName } from './expander.ts';

const everyMs = 500;

/** Gives what ends it. Until a group is stored events hold its tokens themselves, so whatever fails is tried again, and that is all. */
export function startGroupStore(repository: Repository): () => Promise<void> {
  let storing: Promise<void> | undefined;
  const timer = setInterval(() => {
    storing ??= storeAll(repository)
      .catch(() => undefined)
      .finally(() => {
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
    if (!cipher || !wantsTokenGroups(cipher)) continue;
    const committed = await inSession(repository, serverCaller(tenantId, expanderName), async (session) =>
      insertTokenGroups(session),
    );
    committed();
  }
}
