// The steps between an app's request and its answer, as oidc-provider keeps them; a sign-in among them counts only as long as what it
// rests on (proven-sign-in.ts).

import type { InteractionResult, OidcAdapter } from './oidc-provider.ts';
import { stillStands } from './proven-sign-in.ts';
import { createRecordAdapter, type RecordContext } from './record-adapter.ts';

export function createInteractionAdapter(context: RecordContext): OidcAdapter {
  const records = createRecordAdapter(context, 'Interaction');
  return {
    ...records,
    async find(id) {
      const payload = await records.find(id);
      const { login, ...others } = (payload?.result ?? {}) as InteractionResult;
      if (!payload || !login || (await stillStands(context, login))) return payload;
      // Who was signed in by it before goes on; whoever was not is asked again.
      return { ...payload, result: others };
    },
  };
}
