// `npm run admin -- rotate-root` and `rotate-key`: other keys for tenants while the servers go on (README, Keys).

import { parseArgs } from 'node:util';
import { serverCaller } from '../access/caller.ts';
import { allRoots, type RootKeys } from '../crypto/root-keys.ts';
import { recordAdminAct } from '../http/admin/admin-audit.ts';
import { reencrypt, rotateDataKey, rotateIndexKey } from '../repository/reindex/rotate-keys.ts';
import { inSession, type Repository } from '../repository/session.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { type RotatedRoot, rotateRootKey } from '../tenants/rotate-root-key.ts';
import { operatorName } from '../tenants/tenant-audit.ts';
import type { Progress } from './import-terminology/progress.ts';

export const rotateKeyUsage = 'rotate-key data|index --tenant NAME [--reencrypt]';

export interface RotateKeyRequest {
  readonly purpose: 'data' | 'index';
  readonly tenant: string;
  /** Current resources, accounts, clients and the like are sealed again in the background; otherwise each with its next change. */
  readonly reencrypts: boolean;
}

/** Undefined for what is no such command. */
export function readRotateKeyArguments(args: readonly string[]): RotateKeyRequest | undefined {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { tenant: { type: 'string' }, reencrypt: { type: 'boolean' } },
    allowPositionals: true,
    strict: false,
  });
  const [purpose, ...more] = positionals;
  const { tenant, reencrypt: reencrypts = false, ...others } = values;
  if (typeof tenant !== 'string' || typeof reencrypts !== 'boolean') return undefined;
  if (more.length + Object.keys(others).length > 0) return undefined;
  if (purpose === 'data') return { purpose, tenant, reencrypts };
  return purpose === 'index' && !reencrypts ? { purpose, tenant, reencrypts } : undefined;
}

/** The sentence that says what happens now. */
export async function rotateKey(
  repository: Repository,
  tenant: TenantRecord,
  { purpose, reencrypts }: Pick<RotateKeyRequest, 'purpose' | 'reencrypts'>,
): Promise<string> {
  const operator = serverCaller(tenant.id, operatorName);
  return await inSession(repository, operator, async (session) => {
    recordAdminAct(session, { act: 'rotateKey', method: 'POST', path: `/keys/${purpose}` });
    if (purpose === 'index') {
      const version = await rotateIndexKey(session);
      return `Tokens of ${tenant.name} are being made under index key ${version}; $reindex-status tells how far that is.`;
    }
    const version = await rotateDataKey(session);
    if (reencrypts) await reencrypt(session, version);
    const rest = reencrypts ? 'and what is stored follows; $reindex-status tells how far that is' : 'from now on';
    return `${tenant.name} writes under data key ${version}, ${rest}.`;
  });
}

export interface RotateRootOptions {
  readonly databaseUrl: string;
  readonly roots: RootKeys;
  readonly progress: Pick<Progress, 'line' | 'show'>;
}

/** True when every key of every tenant is wrapped by the current root key. */
export async function rotateRoot({ databaseUrl, roots, progress }: RotateRootOptions): Promise<boolean> {
  const earlier = allRoots(roots)
    .slice(1)
    .map(({ id }) => id);
  progress.line(`To ${roots.current.id}, from ${earlier.join(', ') || 'none'}.`);
  const result = await rotateRootKey({
    databaseUrl,
    roots,
    onTenant: ({ done, total }) => progress.show('Wrapping keys', 'tenants', done, total),
    onFailure: (tenantId, error) => progress.line(`Tenant ${tenantId} stays as it is: ${textOf(error)}`),
  });
  progress.line(summaryOf(result));
  return result.failed === 0;
}

function summaryOf({ tenants, keys, failed }: RotatedRoot): string {
  const rest = failed > 0 ? ` ${failed} tenants are left; once that is mended, run this again.` : '';
  return `Wrapped ${keys} keys of ${tenants} tenants.${rest}`;
}

/** With what the keeper of a root key has said. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
