// Takes the keys of shredded tenants out of this process' memory: only then nobody can read anything of theirs any more.

import type { KeyRing } from '../crypto/key-ring.ts';
import type { SystemDoor } from '../database/system-transaction.ts';

export interface ForgetShreddedOptions {
  readonly systemDoor: SystemDoor;
  readonly keyRing: KeyRing;
  readonly onError: (error: unknown) => void;
}

/** To be called on every notice of the channel `hpms_access`; calls while one is under way become one more. */
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
    } while (isCalledAgain);
  }

  return () => {
    isCalledAgain = true;
    if (underWay) return;
    underWay = true;
    forget()
      .catch(onError)
      .finally(() => {
        underWay = false;
      });
  };
}
