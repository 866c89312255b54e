// What roles allow, as the decision function wants it: the union of the grants and operations of all that a person holds.

import type { Grant, Permission } from '../access/caller.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { compileGrants } from './role-grants.ts';
import { isSystemRole, type Role, roles, typesOf } from './roles.ts';

export interface Rights {
  readonly grants: readonly Grant[];
  /** `$find`, `op:admin`. */
  readonly operations: ReadonlySet<string>;
}

const systemRights: ReadonlyMap<string, Rights> = new Map(
  Object.entries(roles).map(([slug, role]) => [slug, rightsOfSystemRole(role)]),
);

/** Union of the rights of these roles, system and custom, inactive and unknown ones left out. Grants have the context `user`. */
export async function rightsOfRoles(trx: TenantTransaction, slugs: readonly string[]): Promise<Rights> {
  const custom = slugs.filter((slug) => !isSystemRole(slug));
  const all = slugs.flatMap((slug) => systemRights.get(slug) ?? []);
  if (custom.length > 0) all.push(...(await customRights(trx, custom)));
  return {
    grants: all.flatMap(({ grants }) => grants),
    operations: new Set(all.flatMap(({ operations }) => [...operations])),
  };
}

async function customRights(trx: TenantTransaction, slugs: readonly string[]): Promise<Rights[]> {
  const rows = await trx.query<{ grants: string[] }>({
    name: 'read-role-grants',
    text: 'SELECT grants FROM role WHERE slug = ANY ($1) AND active',
    values: [slugs],
  });
  return rows.map(({ grants }) => compileGrants(grants));
}

function rightsOfSystemRole({ grants, operations }: Role): Rights {
  return { grants: grants.flatMap(expandGroup), operations: new Set(operations) };
}

/** One grant for each type of a group. */
function expandGroup(text: string): Grant[] {
  const { own, types, letters, elements, constraint } = typesOf(text);
  const permissions = new Set(letters) as ReadonlySet<string> as ReadonlySet<Permission>;
  return types.map((type) => ({
    ...{ context: 'user', type, permissions },
    ...(own ? { isOwn: true } : {}),
    ...(elements === undefined ? {} : { elements }),
    ...(constraint === undefined ? {} : { constraints: [constraint] }),
  }));
}
