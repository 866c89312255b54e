// The second factor of a tenant's accounts: set up, confirmed by a first code, asked for at sign-in, removed (security.md 74).

import type { KeyRing } from '../../crypto/key-ring.ts';
import type { SealedColumn } from '../../crypto/sealed-column.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { recordAct } from '../account-acts.ts';
import { removeSecondFactor } from '../account-secrets.ts';
import { createGuessLimit } from './guess-limit.ts';
import { replaceRecoveryCodes, useRecoveryCode } from './recovery-codes.ts';
import { base32Of, makeSecret, otpauthUrl, stepOfCode } from './totp.ts';

export interface SecondFactors {
  stateOf(tenantId: number, accountId: string): Promise<SecondFactorState>;
  /** A new secret, for one shown before may be known to others; undefined when the account has a second factor already. */
  enrol(tenantId: number, account: EnrolAccount): Promise<Enrolment | undefined>;
  /** The secret shown last, to be shown again; undefined when none waits to be confirmed. */
  pending(tenantId: number, account: EnrolAccount): Promise<Enrolment | undefined>;
  /** Recovery codes, to be shown this once; undefined when the code is wrong. */
  confirm(tenantId: number, accountId: string, code: string): Promise<readonly string[] | undefined>;
  /** Takes a code of the app or a recovery code, each once. Throws 429 after too many wrong ones. */
  verify(tenantId: number, accountId: string, code: string): Promise<boolean>;
  /** New recovery codes, to be shown this once; the earlier ones end. */
  renewCodes(tenantId: number, accountId: string): Promise<readonly string[]>;
  remove(tenantId: number, accountId: string): Promise<void>;
}

export interface SecondFactorState {
  readonly isOn: boolean;
  readonly recoveryCodesLeft: number;
}

export interface EnrolAccount {
  readonly id: string;
  readonly email: string;
  /** The clinic's name, for people. */
  readonly issuer: string;
}

export interface Enrolment {
  /** In Base32. */
  readonly secret: string;
  readonly otpauthUrl: string;
}

export interface SecondFactorsOptions {
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly now: () => Date;
}

/** Of this process: how many codes were tried is counted in here. */
export function createSecondFactors({ tenantDoor, keyRing, now }: SecondFactorsOptions): SecondFactors {
  const guesses = createGuessLimit(() => now().getTime());
  return {
    stateOf: (tenantId, accountId) => tenantDoor(tenantId, (trx) => readState(trx, accountId), 'read'),
    async enrol(tenantId, account) {
      const cipher = await keyRing.cipherOf(tenantId);
      const sealed = cipher.seal(makeSecret(), sealContext(account.id));
      const isKept = await tenantDoor(tenantId, (trx) => keepPending(trx, account.id, sealed));
      return isKept ? toEnrolment(cipher, account, sealed) : undefined;
    },
    async pending(tenantId, account) {
      const cipher = await keyRing.cipherOf(tenantId);
      const pending = await tenantDoor(tenantId, (trx) => readSecret(trx, account.id, 'pending'), 'read');
      return pending && toEnrolment(cipher, account, pending);
    },
    async confirm(tenantId, accountId, code) {
      const cipher = await keyRing.cipherOf(tenantId);
      return await tenantDoor(tenantId, async (trx) => {
        const secret = await readSecret(trx, accountId, 'pending');
        const step = secret && stepOfCode(cipher.open(secret, sealContext(accountId)), digitsOf(code), now());
        if (!secret || step === undefined) return undefined;
        if (!(await markConfirmed(trx, accountId, { secret, step }))) return undefined;
        recordAct(trx, 'second-factor-on', accountId);
        return replaceRecoveryCodes(trx, accountId);
      });
    },
    async verify(tenantId, accountId, code) {
      const key = `${tenantId} ${accountId}`;
      const retryAfterSeconds = guesses.take(key);
      if (retryAfterSeconds > 0) {
        throw fhirError('throttled', 'Too many wrong codes; try again later.', { retryAfterSeconds });
      }
      const cipher = await keyRing.cipherOf(tenantId);
      const isGood = await tenantDoor(tenantId, async (trx) => {
        const secret = await readSecret(trx, accountId, 'confirmed');
        if (!secret) return false;
        const step = stepOfCode(cipher.open(secret, sealContext(accountId)), digitsOf(code), now());
        if (step !== undefined) return await useStep(trx, accountId, step);
        return await useRecoveryCode(trx, accountId, code.slice(0, codeLengthMax));
      });
      if (isGood) guesses.clear(key);
      return isGood;
    },
    renewCodes: (tenantId, accountId) =>
      tenantDoor(tenantId, async (trx) => {
        recordAct(trx, 'recovery-codes-renewed', accountId);
        return replaceRecoveryCodes(trx, accountId);
      }),
    remove: (tenantId, accountId) =>
      tenantDoor(tenantId, async (trx) => {
        removeSecondFactor(trx, accountId);
        recordAct(trx, 'second-factor-off', accountId);
      }),
  };
}

function toEnrolment(cipher: TenantCipher, { id, email, issuer }: EnrolAccount, sealed: Buffer): Enrolment {
  const secret = cipher.open(sealed, sealContext(id));
  return { secret: base32Of(secret), otpauthUrl: otpauthUrl(secret, { issuer, label: email }) };
}

const codeLengthMax = 64;

/** Apps show a code in two groups. */
function digitsOf(code: string): string {
  return code.slice(0, codeLengthMax).replace(/\s/g, '');
}

async function readState(trx: TenantTransaction, accountId: string): Promise<SecondFactorState> {
  const rows = await trx.query<SecondFactorState>({
    text: `SELECT totp_confirmed_at IS NOT NULL AS "isOn",
             (SELECT count(*)::int FROM recovery_code WHERE account_id = account.id AND used_at IS NULL)
               AS "recoveryCodesLeft"
           FROM account WHERE id = $1`,
    values: [accountId],
  });
  return rows[0] ?? { isOn: false, recoveryCodesLeft: 0 };
}

async function keepPending(trx: TenantTransaction, accountId: string, sealed: Buffer): Promise<boolean> {
  const rows = await trx.query({
    text: 'UPDATE account SET totp_secret = $2 WHERE id = $1 AND totp_confirmed_at IS NULL RETURNING id',
    values: [accountId, sealed],
  });
  return rows.length > 0;
}

async function readSecret(
  trx: TenantTransaction,
  accountId: string,
  state: 'pending' | 'confirmed',
): Promise<Buffer | undefined> {
  const rows = await trx.query<{ totp_secret: Buffer }>({
    text: `SELECT totp_secret FROM account
           WHERE id = $1 AND totp_secret IS NOT NULL AND (totp_confirmed_at IS NOT NULL) = $2`,
    values: [accountId, state === 'confirmed'],
  });
  return rows[0]?.totp_secret;
}

/** Only the secret that the code was of: another page may have shown a newer one meanwhile. */
async function markConfirmed(
  trx: TenantTransaction,
  accountId: string,
  { secret, step }: { readonly secret: Buffer; readonly step: number },
): Promise<boolean> {
  const rows = await trx.query({
    text: `UPDATE account SET totp_confirmed_at = now(), totp_last_step = $3
           WHERE id = $1 AND totp_secret = $2 AND totp_confirmed_at IS NULL RETURNING id`,
    values: [accountId, secret, step],
  });
  return rows.length > 0;
}

/** A code counts once, and none older than it counts after it: whoever comes second finds no row. */
async function useStep(trx: TenantTransaction, accountId: string, step: number): Promise<boolean> {
  const rows = await trx.query({
    text: `UPDATE account SET totp_last_step = $2
           WHERE id = $1 AND totp_confirmed_at IS NOT NULL AND totp_last_step < $2 RETURNING id`,
    values: [accountId, step],
  });
  return rows.length > 0;
}

function sealContext(accountId: string): string {
  return `account|${accountId}|totp`;
}

export const secretColumn: SealedColumn = {
  ...{ table: 'account', column: 'totp_secret', key: [{ name: 'id', type: 'uuid' }] },
  contextOf: ([id = '']) => sealContext(id),
};
