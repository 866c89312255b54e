// The search tokens of an AuditEvent; who asks for what kind of thing comes again and again, so that is worked out once.

import type { AuditEvent, AuditEventEntity } from '@medplum/fhirtypes';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { Session } from './session.ts';
import { storedTokens } from './store-changes.ts';

const known = new WeakMap<TenantCipher, Map<string, readonly bigint[]>>();
const knownMax = 5_000;
/** A page of a thousand patients does not come again. */
const keyLengthMax = 2_000;

/**
 * Each parameter that AuditEvents are searched by looks at one element at a time, and tenants have none of their own for them
 * (search-parameters.ts): an event's tokens are those of its entities and those of the rest.
 */
export function auditTokens(session: Session, event: AuditEvent): bigint[] {
  const { entity = [], type, subtype, action, outcome, agent, source } = event;
  const head = tokensOf(session, { type, subtype, action, outcome, agent, source });
  const ofEntities = tokensOf(session, { entity: entity.map(searched) });
  return [...new Set([...head, ...ofEntities])];
}

/** Without what is not searched by and is other in each event. */
function searched(entity: AuditEventEntity): object {
  const unsearched = { query: undefined, detail: undefined };
  return entity.type?.code === requestId ? { ...entity, ...unsearched, what: undefined } : { ...entity, ...unsearched };
}

/** https://profiles.ihe.net/ITI/BALP/CodeSystem-BasicAuditEntityType.html */
const requestId = 'XrequestId';

function tokensOf(session: Session, part: object): readonly bigint[] {
  const ofTenant = known.get(session.cipher) ?? new Map<string, readonly bigint[]>();
  known.set(session.cipher, ofTenant);
  const key = JSON.stringify(part);
  const found = ofTenant.get(key);
  if (found) return found;
  const tokens = storedTokens(session.cipher, session.extract({ resourceType: 'AuditEvent', ...part } as AuditEvent));
  if (key.length > keyLengthMax) return tokens;
  if (ofTenant.size >= knownMax) ofTenant.clear();
  ofTenant.set(key, tokens);
  return tokens;
}
