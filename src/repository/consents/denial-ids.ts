// Which Consents of a tenant deny something, kept beside its settings: whoever has none pays nothing for it.

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../session.ts';

/** Stands among the settings; no name of `Settings`, so nobody else writes it. */
const key = 'privacy.denials';
const consentsMax = 10_000;

export interface DenialIds {
  /** Another one after each change; no version comes twice. */
  readonly version: string;
  readonly ids: readonly string[];
}

/** Undefined where no Consent that denies has been written. */
export async function readDenialIds(trx: Session['trx']): Promise<DenialIds | undefined> {
  const [row] = await trx.query<{ value: DenialIds }>({
    name: 'read-denials',
    text: `SELECT value FROM setting WHERE key = '${key}'`,
  });
  return row?.value;
}

/** In the transaction of the Consents. */
export async function changeDenialIds(
  trx: Session['trx'],
  { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  const [row] = await trx.query<{ amount: number }>({
    name: 'change-denials',
    text: `INSERT INTO setting (key, value)
           VALUES ('${key}', jsonb_build_object('version', gen_random_uuid()::text, 'ids', to_jsonb($1::text[])))
           ON CONFLICT (tenant_id, key) DO UPDATE SET value = jsonb_build_object('version', gen_random_uuid()::text,
             'ids', (setting.value->'ids') - $2::text[] || to_jsonb($1::text[]))
           RETURNING jsonb_array_length(value->'ids') AS amount`,
    values: [added, [...removed, ...added]],
  });
  if ((row?.amount ?? 0) <= consentsMax) return;
  throw fhirError('too-costly', `A tenant can have at most ${consentsMax} active Consents that deny something.`);
}
