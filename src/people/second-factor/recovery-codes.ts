// Ten codes that let a person in without the telephone, each once: shown when they are made, kept as hashes.

import { createHash, randomBytes } from 'node:crypto';
import type { TenantTransaction } from '../../database/tenant-transaction.ts';

const codesCount = 10;
/** 128 bits: nobody can guess one, even with the hashes in hand, so nothing slow like Argon2 is needed. */
const codeBytes = 16;
/** Without letters that look like others: https://www.crockford.com/base32.html */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** In place of all earlier ones. */
export function replaceRecoveryCodes(trx: TenantTransaction, accountId: string): string[] {
  const codes = Array.from({ length: codesCount }, makeCode);
  trx.execute({ text: 'DELETE FROM recovery_code WHERE account_id = $1', values: [accountId] });
  trx.execute({
    text: 'INSERT INTO recovery_code (account_id, hash) SELECT $1, unnest($2::bytea[])',
    values: [accountId, codes.map(hashOf)],
  });
  return codes;
}

/** True once for each code, whoever else asks at the same time: the row decides. */
export async function useRecoveryCode(trx: TenantTransaction, accountId: string, code: string): Promise<boolean> {
  const rows = await trx.query({
    text: `UPDATE recovery_code SET used_at = now() WHERE account_id = $1 AND hash = $2 AND used_at IS NULL
           RETURNING hash`,
    values: [accountId, hashOf(code)],
  });
  return rows.length > 0;
}

function makeCode(): string {
  const bits = [...randomBytes(codeBytes)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = bits.match(/.{1,5}/g) ?? [];
  const text = characters.map((five) => alphabet[Number.parseInt(five, 2)]).join('');
  return text.replace(/.{5}(?=.{2})/g, '$&-');
}

/** Of what is meant, however it is typed. */
function hashOf(code: string): Buffer {
  const meant = code.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
  return createHash('sha256').update(meant).digest();
}
