// What AuditEvents of a bench have in common, as the server stores it: see src/repository/token-groups.ts.

import type { AuditEvent } from '@medplum/fhirtypes';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import type { Statement } from '../../src/database/statement.ts';
import { groupedTokens } from '../../src/repository/audit-tokens.ts';
import { insertTokenGroups } from '../../src/repository/token-groups.ts';
import type { Extract } from '../../src/search/extract.ts';

export interface Grouping {
  readonly cipher: TenantCipher;
  readonly extract: Extract;
}

/** Without the patient and the resource that it is about. */
export function withoutSubjects({ entity = [], ...event }: AuditEvent): AuditEvent {
  const kinds = entity.map(({ type, role, what }) => ({ type, role, what: what?.type && { type: what.type } }));
  return { ...event, entity: kinds } as AuditEvent;
}

/** From now on tokens of these are given as groups. Gives what stores the groups. */
export function groupAll(grouping: Grouping, events: readonly AuditEvent[]): readonly Statement[] {
  // The second time it has come again.
  for (const event of [...events, ...events]) groupedTokens(grouping, event);
  const statements: Statement[] = [];
  const trx = { execute: (statement: Statement) => statements.push(statement) };
  insertTokenGroups({ trx, cipher: grouping.cipher, definitionsVersion: 0 })();
  return statements;
}
