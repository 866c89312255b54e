// The search tokens of an AuditEvent; who asks, from where, for what kind of thing comes again and again, so that is worked out once.

import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { Session } from './session.ts';
import { storedTokens } from './store-changes.ts';
import { sharedText } from './token-groups.ts';

/** All of an event's, each once. */
export function auditTokens(session: Indexing, event: AuditEvent): bigint[] {
  const { shared, own } = tokenParts(event);
  return [...new Set([...shared, own].flatMap((part) => extracted(session, part)))];
}

/** As they are stored, PostgreSQL's text of a bigint[]: groups of them stand for those that many events have alike. */
export function groupedTokens(session: Indexing, event: AuditEvent): string {
  const { shared, own } = tokenParts(event);
  const texts = shared.map((part) => sharedText(session.cipher, JSON.stringify(part), () => extracted(session, part)));
  texts.push(ownTokens(session, own));
  return `{${texts.filter((text) => text !== '').join(',')}}`;
}

/** Elements of an event, under their names. */
type Part = object;

type Indexing = Pick<Session, 'cipher' | 'extract'>;

/**
 * Each parameter that AuditEvents are searched by looks at one element at a time, and tenants have none of their own for them
 * (search-parameters.ts): an event's tokens are those of all its parts. `own` is what it is about, `shared` is the rest: the
 * kind of request, the roles, and each agent and address by itself, for each goes with many of the others.
 */
function tokenParts(event: AuditEvent): { readonly shared: readonly Part[]; readonly own: Part } {
  const { type, subtype, action, outcome, purposeOfEvent, source, agent, entity = [] } = event;
  const kinds = new Map(entity.map(kindOf).map((kind) => [JSON.stringify(kind), kind]));
  return {
    shared: [
      { type, subtype, action, outcome, purposeOfEvent, source, entity: [...kinds.values()] },
      { agent: agent.map(({ role }) => ({ role })) },
      ...agent.map((one) => ({ agent: [whoOf(one)] })),
      ...agent.flatMap(({ network }) => (network ? [{ agent: [{ network }] }] : [])),
    ],
    own: { entity: entity.map(subjectOf) },
  };
}

function kindOf({ type, role, what }: AuditEventEntity): object {
  return { type, role, what: what?.type && { type: what.type } };
}

function whoOf({ who, altId, name, policy, purposeOfUse }: AuditEventAgent): object {
  return { who, altId, name, policy, purposeOfUse };
}

/** Without what is not searched by and is other in each event. */
function subjectOf({ type, what, name }: AuditEventEntity): object {
  if (!what || type?.code === requestId) return { name };
  const { reference, identifier } = what;
  return { name, what: { reference, identifier } };
}

/** https://profiles.ihe.net/ITI/BALP/CodeSystem-BasicAuditEntityType.html */
const requestId = 'XrequestId';

const knownTexts = new WeakMap<TenantCipher, Map<string, string>>();
const knownMax = 5_000;
/** A page of a thousand patients does not come again. */
const keyLengthMax = 2_000;

function ownTokens(session: Indexing, own: Part): string {
  const known = knownTexts.get(session.cipher) ?? new Map<string, string>();
  knownTexts.set(session.cipher, known);
  const key = JSON.stringify(own);
  const found = known.get(key);
  if (found !== undefined) return found;
  const text = extracted(session, own).join(',');
  if (key.length > keyLengthMax) return text;
  if (known.size >= knownMax) known.clear();
  known.set(key, text);
  return text;
}

function extracted(session: Indexing, part: Part): bigint[] {
  return storedTokens(session.cipher, session.extract({ resourceType: 'AuditEvent', ...part } as AuditEvent));
}
