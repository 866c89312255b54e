// What overload turns away unread is on record by its number: an AuditEvent of the tenant for all of a few seconds (security.md 122, fault 32).

import type { AccessFacts } from '../access/access-facts.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import { newId } from '../fhir/ids.ts';
import { isTenantName, type TenantRegistry } from '../tenants/registry.ts';

export interface TurnedAway {
  /** Of a request below the FHIR base of this name, whether there is a tenant of that name or not. */
  count(tenantName: string): void;
  /** Puts on record what is not yet; what cannot be is in the metrics alone. */
  close(): Promise<void>;
}

export interface TurnedAwayOptions {
  readonly trail: Pick<AccessTrail, 'record'>;
  readonly tenants: Pick<TenantRegistry, 'find' | 'hasMet'>;
  readonly now: () => Date;
}

interface Count {
  readonly requests: number;
  readonly sinceMs: number;
}

const everyMs = 5_000;
/** Of names that may be nobody's: anybody can name tenants that are not there, and whose they are is asked one by one. */
const strangersMax = 1_000;

export function createTurnedAway({ trail, tenants, now }: TurnedAwayOptions): TurnedAway {
  const counts = new Map<string, Count>();
  let strangers = 0;
  let timer: NodeJS.Timeout | undefined;
  let recording: Promise<void> | undefined;

  function add(tenantName: string, requests: number, sinceMs: number): void {
    const { requests: before = 0, sinceMs: first = sinceMs } = counts.get(tenantName) ?? {};
    if (before === 0 && !tenants.hasMet(tenantName)) {
      if (strangers >= strangersMax) return;
      strangers += 1;
    }
    counts.set(tenantName, { requests: before + requests, sinceMs: Math.min(first, sinceMs) });
    timer ??= setTimeout(recordSoon, everyMs).unref();
  }

  function recordSoon(): void {
    timer = undefined;
    recording = (recording ?? Promise.resolve()).then(recordAll);
  }

  async function recordAll(): Promise<void> {
    const counted = [...counts];
    counts.clear();
    strangers = 0;
    for (const [tenantName, { requests, sinceMs }] of counted) {
      try {
        const tenant = await tenants.find(tenantName);
        if (tenant) await trail.record(tenant.id, [factsOf(requests, sinceMs)]);
      } catch {
        // While there is too much, also this may be refused: it goes with the next. What was stored unheard is told twice.
        add(tenantName, requests, sinceMs);
      }
    }
  }

  function factsOf(requests: number, sinceMs: number): AccessFacts {
    const recordedMs = now().getTime();
    const all = { requests, sinceMs };
    const of = { id: newId(recordedMs), recordedMs, method: '', path: '', query: '' };
    return { ...of, outcome: '8', status: 503, issue: 'throttled', turnedAway: all };
  }

  return {
    count(tenantName) {
      if (isTenantName(tenantName)) add(tenantName, 1, now().getTime());
    },
    async close() {
      clearTimeout(timer);
      recordSoon();
      await recording;
      clearTimeout(timer);
    },
  };
}
