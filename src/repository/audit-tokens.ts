// The search tokens of an AuditEvent; who asks, from where, for what kind of thing comes again and again, so that is worked out once.

import type { AuditEvent, AuditEventAgent, AuditEventEntity } from '@medplum/fhirtypes';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import { onceOfLasting } from '../fhir/lasting.ts';
import type { Session } from './session.ts';
import { storedTokens } from './store-changes.ts';
import { sharedText } from './token-groups.ts';

/** All of an event's, each once. */
export function auditTokens(session: Indexing, event: AuditEvent): bigint[] {
  const parts = [...sharedParts(event).map(({ part }) => part), ownPart(event)];
  return [...new Set(parts.flatMap((part) => extracted(session, part)))];
}

/** As they are stored, PostgreSQL's text of a bigint[]: groups of them stand for those that many events have alike. */
export function groupedTokens(session: Indexing, event: AuditEvent): string {
  const own = ownPart(event);
  return joinedTokens(session, sharedParts(event), JSON.stringify(own), own);
}

/** Those of an event that has these parts, and beside them names but the references. */
export function groupedTokensOf(
  session: Indexing,
  shared: readonly SharedPart[],
  references: readonly string[],
): string {
  const own = { entity: references.map((reference) => ({ what: { reference } })) };
  return joinedTokens(session, shared, references.join(' '), own);
}

function joinedTokens(session: Indexing, shared: readonly SharedPart[], ownKey: string, own: Part): string {
  let text = ownTokens(session, ownKey, own);
  for (const { key, part } of shared) {
    const tokens = sharedText(session.cipher, key, () => extracted(session, part));
    if (tokens !== '') text += text === '' ? tokens : `,${tokens}`;
  }
  return `{${text}}`;
}

/** Elements of an event, under their names. */
type Part = object;

export interface SharedPart {
  readonly part: Part;
  /** Tells it from any other. */
  readonly key: string;
}

type Indexing = Pick<Session, 'cipher' | 'extract'>;

/**
 * Each parameter that AuditEvents are searched by looks at one element at a time, and tenants have none of their own for them
 * (search-parameters.ts): an event's tokens are those of all its parts. Its own is what it is about, shared is the rest: the
 * kind of request, the roles, and each agent and address by itself, for each goes with many of the others.
 */
export function sharedParts(event: AuditEvent): SharedPart[] {
  return [kindPart(event), ...partsOfAgents(event.agent)];
}

function ownPart({ entity = [] }: AuditEvent): Part {
  return { entity: entity.map(subjectOf) };
}

function kindPart({ type, subtype, action, outcome, purposeOfEvent, source, entity = [] }: AuditEvent): SharedPart {
  const kinds = new Map(entity.map((one) => [keyOfKind(one), one]));
  const part = { type, subtype, action, outcome, purposeOfEvent, source, entity: [...kinds.values()].map(kindOf) };
  const elements = [type, subtype, purposeOfEvent, source].map((element) => (element ? jsonOf(element) : '-'));
  return { part, key: ['kind', action, outcome, ...elements, ...kinds.keys()].join('\n') };
}

function kindOf({ type, role, what }: AuditEventEntity): object {
  return { type, role, what: what?.type && { type: what.type } };
}

function keyOfKind({ type, role, what }: AuditEventEntity): string {
  return `${type ? jsonOf(type) : '-'} ${role ? jsonOf(role) : '-'} ${what?.type}`;
}

const jsonOf = onceOfLasting((element: object) => JSON.stringify(element));

const partsOfAgents = onceOfLasting((agents: readonly AuditEventAgent[]): readonly SharedPart[] => {
  const parts: Part[] = [
    { agent: agents.map(({ role }) => ({ role })) },
    ...agents.map((one) => ({ agent: [whoOf(one)] })),
    ...agents.flatMap(({ network }) => (network ? [{ agent: [{ network }] }] : [])),
  ];
  return parts.map((part) => ({ part, key: JSON.stringify(part) }));
});

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

/** `key` tells the part from any other. */
function ownTokens(session: Indexing, key: string, own: Part): string {
  const known = knownTexts.get(session.cipher) ?? new Map<string, string>();
  knownTexts.set(session.cipher, known);
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
