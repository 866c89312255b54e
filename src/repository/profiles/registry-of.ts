// The profiles of a session's tenant: those of the house, and those the tenant has stored: https://hl7.org/fhir/R4/profiling.html

import type { Structure } from '../../fhir/profiles/generate-profile.ts';
import { houseRegistry } from '../../validation/profiles/house-registry.ts';
import { extendRegistry, type ProfileRegistry } from '../../validation/profiles/registry.ts';
import type { Session } from '../session.ts';
import { readStructures } from './tenant-structures.ts';

/** Tenants whose own profiles stay compiled. */
const tenantsKeptMax = 200;
const kept = new Map<number, { readonly version: string; readonly registry: ProfileRegistry }>();

/**
 * As they are inside this transaction: it asks for the version each time, and for the definitions when that is new, so that
 * what has been committed is in force in every process from the next statement on.
 */
export async function registryOf(session: Session): Promise<ProfileRegistry> {
  const { tenantId } = session.caller;
  const version = await readVersion(session.trx);
  if (version === undefined) return houseRegistry();
  const before = kept.get(tenantId);
  if (before?.version === version) return before.registry;
  const registry = registryWith(await readStructures(session));
  if (kept.size >= tenantsKeptMax) kept.clear();
  kept.set(tenantId, { version, registry });
  return registry;
}

export function registryWith(structures: ReadonlyMap<string, Structure>): ProfileRegistry {
  if (structures.size === 0) return houseRegistry();
  return extendRegistry(houseRegistry(), { structures: [...structures.values()], valueSets: [], codeSystems: [] });
}

/** Stands among the settings; no name of `Settings`, so nobody else writes it. */
const versionKey = 'profiles.version';

async function readVersion(trx: Session['trx']): Promise<string | undefined> {
  const [row] = await trx.query<{ value: unknown }>({
    name: 'read-profiles-version',
    text: `SELECT value FROM setting WHERE key = '${versionKey}'`,
  });
  return row && String(row.value);
}

/** To be called by whoever changes the definitions. No version comes twice, not even after a rollback. */
export function renewVersion(trx: Session['trx']): void {
  trx.execute({
    name: 'renew-profiles-version',
    text: `INSERT INTO setting (key, value) VALUES ('${versionKey}', to_jsonb(gen_random_uuid()::text))
           ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value`,
  });
}
