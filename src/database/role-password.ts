// The login roles' passwords follow from the root key, so that an installation has one secret to keep: RFC 5869.

import { hkdfSync } from 'node:crypto';

/** `role` is a database role, or `postgres` for the embedded server's superuser. */
export function rolePassword(rootKey: Buffer, role: string): string {
  return Buffer.from(hkdfSync('sha256', rootKey, 'hpms', `database role ${role}`, 32)).toString('base64url');
}
