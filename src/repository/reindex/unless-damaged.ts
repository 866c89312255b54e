// A run goes past what does not open and names it in the log: one damaged row must not keep all others from their end.

import { SealedBoxError } from '../../crypto/sealed-box.ts';
import { UnknownKeyVersionError } from '../../crypto/tenant-cipher.ts';
import type { Session } from '../session.ts';

/** Undefined for what opens under no key of the tenant; it stays as it is. Throws what another try may mend. */
export async function unlessDamaged<T>(session: Session, open: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (!(await isDamage(session, error))) throw error;
    session.repository.onDamage?.(session.trx.tenantId, error);
    return undefined;
  }
}

/** An object that is not there may be on a disk that is not mounted: that is waited for. */
async function isDamage(session: Session, error: unknown): Promise<boolean> {
  if (error instanceof UnknownKeyVersionError) return await knowsNewest(session);
  return error instanceof SealedBoxError && !isOfFiles(error);
}

async function knowsNewest({ trx, cipher }: Session): Promise<boolean> {
  const [row] = await trx.query<{ version: number }>({
    name: 'newest-data-key',
    text: "SELECT max(version) AS version FROM tenant_key WHERE purpose = 'data'",
  });
  return row?.version === cipher.dataKeyVersion;
}

function isOfFiles({ cause }: Error): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.syscall !== undefined;
}
