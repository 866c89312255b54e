// Takes the keys of shredded tenants out of this process' memory, and destroys what they were wrapped by outside the database: only
// then nobody can read anything of theirs any more, whatever is restored.

import type { KeyRing } from '../crypto/key-ring.ts';
import type { SystemDoor } from '../database/system-transaction.ts';

export interface ForgetShreddedOptions {
  readonly systemDoor: SystemDoor;
  readonly keyRing: KeyRing;
  readonly onError: (error: unknown) => void;
}

const retryMs = 30_000;

/**
 * To be called on every notice of the channel `hpms_access`, of which there is one at the start; calls while one is under way
 * become one more. What fails is tried again.
 */
export function createForgetShredded({ systemDoor, keyRing, onError }: ForgetShreddedOptions): () => void {
  let underWay = false;
  let isCalledAgain = false;

  async function forget(): Promise<void> {
    do {
      isCalledAgain = false;
      const rows = await systemDoor((trx) =>
        trx.query<{ id: number }>({
          name: 'find-shredded',
          text: "SELECT id FROM tenant WHERE id = ANY($1::integer[]) AND status = 'shredded'",
          values: [keyRing.loadedTenants()],
        }),
      );
      for (const { id } of rows) keyRing.forget(id);
      await makeDark(systemDoor, keyRing);
    } while (isCalledAgain);
  }

  function onNotice(): void {
    isCalledAgain = true;
    if (underWay) return;
    underWay = true;
    forget()
      .catch((error: unknown) => {
        onError(error);
        setTimeout(onNotice, retryMs).unref();
      })
      .finally(() => {
        underWay = false;
      });
  }

  return onNotice;
}

/** The rows are gone already, and may be in a backup. Several processes may do so at once. */
async function makeDark(systemDoor: SystemDoor, keyRing: KeyRing): Promise<void> {
  const rows = await systemDoor((trx) =>
    trx.query<{ id: number }>({
      name: 'find-undark',
      text: "SELECT id FROM tenant WHERE status = 'shredded' AND NOT is_dark ORDER BY id",
    }),
  );
  for (const { id } of rows) {
    await keyRing.destroyKeys(id);
    await systemDoor(async (trx) =>
      trx.execute({ text: 'UPDATE tenant SET is_dark = true WHERE id = $1', values: [id] }),
    );
  }
}
