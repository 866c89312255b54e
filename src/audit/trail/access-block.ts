// A block of facts as it is stored: sealed under the tenant's data key, each caller written once.

import type { AccessFacts, CallerFacts } from '../../access/access-facts.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { Statement } from '../../database/statement.ts';
import { newId } from '../../fhir/ids.ts';

export interface AccessBlock {
  /** A UUIDv7, which tells when it was made. */
  readonly id: string;
  readonly facts: readonly AccessFacts[];
}

export function accessBlock(facts: readonly AccessFacts[]): AccessBlock {
  return { id: newId(Date.now()), facts };
}

/** Done twice it is stored once. `isForWorkers`: its own process does not make AuditEvents of it at once. */
export function insertBlock(cipher: TenantCipher, { id, facts }: AccessBlock, isForWorkers: boolean): Statement {
  const content = cipher.seal(packed(facts), contextOf(id), 'audit-event');
  return {
    name: 'insert-access-block',
    text: 'INSERT INTO access_block (id, ids, content, for_workers) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    values: [id, `{${facts.map((one) => one.id).join(',')}}`, content, isForWorkers],
  };
}

export function openBlock(cipher: TenantCipher, { id, content }: { readonly id: string; readonly content: Buffer }) {
  const packed = JSON.parse(cipher.open(content, contextOf(id)).toString()) as Packed;
  const callers = packed.callers.map(sameCaller);
  return {
    id,
    facts: packed.facts.map(({ by, ...rest }): AccessFacts => {
      const caller = by === undefined ? undefined : callers[by];
      return caller ? { ...rest, caller } : rest;
    }),
  };
}

interface Packed {
  readonly callers: readonly CallerFacts[];
  /** `by` is the caller's position. */
  readonly facts: readonly (Omit<AccessFacts, 'caller'> & { readonly by?: number })[];
}

function packed(facts: readonly AccessFacts[]): Buffer {
  const callers = new Map<CallerFacts, number>();
  const placeOf = (caller: CallerFacts) => {
    const place = callers.get(caller) ?? callers.size;
    callers.set(caller, place);
    return place;
  };
  const content = {
    // JSON leaves out what is undefined, and a copy without a member costs several times as much.
    facts: facts.map((fact) => (fact.caller ? { ...fact, caller: undefined, by: placeOf(fact.caller) } : fact)),
    callers: [...callers.keys()],
  };
  return Buffer.from(JSON.stringify(content));
}

const callersKnown = new Map<string, CallerFacts>();
const callersMax = 2_000;

/** One object in all blocks: much of an AuditEvent is worked out once for each. */
function sameCaller(caller: CallerFacts): CallerFacts {
  const key = JSON.stringify(caller);
  const known = callersKnown.get(key);
  if (known) return known;
  if (callersKnown.size >= callersMax) callersKnown.clear();
  callersKnown.set(key, caller);
  return caller;
}

function contextOf(id: string): string {
  return `access block|${id}`;
}
