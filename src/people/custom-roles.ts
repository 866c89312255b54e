// A clinic's own roles beside those of the system: domain.md S4-K1. They are in force at once, on every process.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { isSystemRole, unknownRole } from './roles.ts';

export interface CustomRole {
  readonly slug: string;
  readonly name: string;
  /** SMART scopes and operations: `user/Patient.rs`, `op:$find`. */
  readonly grants: readonly string[];
  /** An inactive role allows nothing, whoever holds it. */
  readonly active: boolean;
}

const columns = 'slug, name, grants, active';

export async function listCustomRoles(trx: TenantTransaction): Promise<CustomRole[]> {
  return await trx.query<CustomRole>({ text: `SELECT ${columns} FROM role ORDER BY slug` });
}

export async function findCustomRole(trx: TenantTransaction, slug: string): Promise<CustomRole | undefined> {
  const rows = await trx.query<CustomRole>({ text: `SELECT ${columns} FROM role WHERE slug = $1`, values: [slug] });
  return rows[0];
}

/** Of all of them together, inactive ones too. */
export async function grantsOfCustomRoles(trx: TenantTransaction, slugs: readonly string[]): Promise<string[]> {
  const rows = await trx.query<{ grants: string[] }>({
    text: 'SELECT grants FROM role WHERE slug = ANY ($1)',
    values: [slugs],
  });
  return rows.flatMap(({ grants }) => grants);
}

/** Makes it, or puts it in the place of the one with its slug. Its grants were checked before. */
export async function putCustomRole(trx: TenantTransaction, { slug, name, grants, active }: CustomRole): Promise<void> {
  await trx.query({
    text: `INSERT INTO role (slug, name, grants, active) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, slug) DO UPDATE SET name = $2, grants = $3, active = $4`,
    values: [slug, name, grants, active],
  });
}

/** Throws 422 when one of them is neither a system role nor one of the clinic's. */
export async function requireKnownRoles(trx: TenantTransaction, slugs: readonly string[]): Promise<void> {
  const custom = slugs.filter((slug) => !isSystemRole(slug));
  if (custom.length === 0) return;
  const rows = await trx.query<{ slug: string }>({
    text: 'SELECT slug FROM role WHERE slug = ANY ($1)',
    values: [custom],
  });
  const known = new Set(rows.map(({ slug }) => slug));
  const unknown = custom.find((slug) => !known.has(slug));
  if (unknown !== undefined) throw unknownRole(unknown);
}
