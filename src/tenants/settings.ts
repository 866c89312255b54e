// What a clinic may set for itself, typed, with the value that holds until it does: contract.md 3 and 47.

import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { type SecondFactorPolicy, secondFactorPolicies } from '../people/second-factor/policy.ts';
import { createBriefCache } from './brief-cache.ts';
import { isBoolean, type SettingRule } from './setting-rule.ts';
import { type WorkflowSettings, workflowSettings } from './workflow-settings.ts';

export interface Settings extends WorkflowSettings {
  /** Literal references must resolve inside the tenant. */
  readonly 'references.check': boolean;
  /** Of browser apps that may read the answers: security.md 66. */
  readonly 'cors.origins': readonly string[];
  /** What becomes of a write that has not the profiles it claims or must have. */
  readonly 'profiles.check': 'off' | 'warn' | 'enforce';
  /** Resource type -> canonical of the profile its resources must have. */
  readonly 'profiles.required': Readonly<Record<string, string>>;
  /** Automatic logoff: a sign-in that was not used for so long has ended. */
  readonly 'session.idle-minutes': number;
  /** Apps may register themselves: RFC 7591. */
  readonly 'clients.dynamic-registration': boolean;
  /** Who signs in with a code of an authenticator app beside the password. */
  readonly 'second-factor.required': SecondFactorPolicy;
}

export type SettingKey = keyof Settings;

const rules: Readonly<Record<SettingKey, SettingRule>> = {
  ...workflowSettings,
  'references.check': { byDefault: false, allowed: 'true or false', accepts: isBoolean },
  'cors.origins': {
    byDefault: [],
    allowed: 'a list of at most 100 origins such as https://app.example.org',
    accepts: (value) => Array.isArray(value) && value.length <= 100 && value.every(isOrigin),
  },
  'profiles.check': {
    byDefault: 'off',
    allowed: 'off, warn or enforce',
    accepts: (value) => value === 'off' || value === 'warn' || value === 'enforce',
  },
  'profiles.required': {
    byDefault: {},
    allowed: 'an object of resource types, each with the canonical of a profile',
    accepts: isProfileOfType,
  },
  'session.idle-minutes': {
    byDefault: 30,
    allowed: 'a whole number from 1 to 720',
    accepts: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 720,
  },
  'clients.dynamic-registration': { byDefault: false, allowed: 'true or false', accepts: isBoolean },
  'second-factor.required': {
    byDefault: 'none',
    allowed: 'none, admins or all',
    accepts: (value) => secondFactorPolicies.some((policy) => policy === value),
  },
};

export interface SettingsReader {
  /** At once when they were asked for within the last second. */
  of(tenantId: number): Settings | Promise<Settings>;
  /** The same inside a transaction, which must not wait for another connection than its own. */
  in(trx: TenantTransaction): Settings | Promise<Settings>;
  /** To be called on every notice of the channel `hpms_access`. */
  forget(): void;
}

const tenantsCachedMax = 10_000;

export function createSettingsReader(tenantDoor: TenantDoor): SettingsReader {
  const byTenant = createBriefCache((tenantId: number) => tenantDoor(tenantId, readSettings), tenantsCachedMax);
  return {
    of: byTenant.get,
    in: (trx) => byTenant.within(trx.tenantId, () => readSettings(trx)),
    forget: byTenant.clear,
  };
}

/** As they are inside this transaction. */
export async function readSettings(trx: TenantTransaction): Promise<Settings> {
  const rows = await trx.query<{ key: string; value: unknown }>({
    name: 'read-settings',
    text: 'SELECT key, value FROM setting',
  });
  const stored = new Map(rows.map(({ key, value }) => [key, value]));
  const entries = Object.entries(rules).map(([key, { byDefault, accepts }]) => {
    const value = stored.get(key);
    return [key, accepts(value) ? value : byDefault];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Throws 404 for a key that is no setting and 422 for a value it cannot have. */
export function writeSetting(trx: TenantTransaction, key: string, value: unknown): void {
  const rule = Object.hasOwn(rules, key) ? rules[key as SettingKey] : undefined;
  if (!rule) throw fhirError('not-found', 'There is no setting of this name.');
  if (!rule.accepts(value)) throw fhirError('value', `The setting ${key} must be ${rule.allowed}.`);
  trx.execute({
    text: `INSERT INTO setting (key, value) VALUES ($1, $2::jsonb)
           ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value`,
    values: [key, JSON.stringify(value)],
  });
}

/** R4 has 146 types. */
const profiledTypesMax = 146;

function isProfileOfType(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= profiledTypesMax && entries.every(isTypeAndCanonical);
}

function isTypeAndCanonical([type, canonical]: [string, unknown]): boolean {
  return /^[A-Z][A-Za-z]{1,63}$/.test(type) && typeof canonical === 'string' && /^\S{1,500}$/.test(canonical);
}

/** As browsers write it: https://www.rfc-editor.org/rfc/rfc6454#section-6.2 */
function isOrigin(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : undefined;
  return url?.origin === value && /^https?:\/\/[^*]+$/.test(url?.origin ?? '');
}
