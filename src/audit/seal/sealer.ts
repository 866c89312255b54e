// Seals the AuditEvents of all tenants about once a second: one process at a time, at work again within seconds wherever it died.

import { setTimeout as delay } from 'node:timers/promises';
import type { RootKeys } from '../../crypto/root-keys.ts';
import type { SystemDoor } from '../../database/system-transaction.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import type { Transaction } from '../../database/transaction.ts';
import type { AnchorTarget } from '../../gateways/anchor-target.ts';
import { createAnchoring } from './anchoring.ts';
import { createBacklog } from './backlog.ts';
import { findUnsealed, isEarlier, type Moment, momentOf } from './find-unsealed.ts';
import { openSealKey, type SealKey } from './seal-key.ts';
import { sealRows } from './seal-rows.ts';

export interface SealerOptions {
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  readonly roots: RootKeys;
  readonly anchors: AnchorTarget;
  /** Told once of whatever keeps events from being sealed or anchored; it is tried again. */
  readonly onError: (error: unknown, what: string) => void;
  readonly now?: () => Date;
}

export interface SealerState {
  /** Of the oldest event that should be sealed by now; 0 when there is none. */
  lagMs(): number;
  /** Since when the newest heads could not be anchored; 0 when they are. */
  anchorLagMs(): number;
}

export interface Sealer extends SealerState {
  /**
   * Seals and anchors what is there, and so often in all, as long as `pause` says so; false where another process has the turn.
   */
  round(times?: number, pause?: () => Promise<boolean>): Promise<boolean>;
}

const everyMs = 1_000;
/** The turn is a transaction, and none should be open for long. */
const roundsPerTurn = 10;
/** What is not finished then was not begun, as far as the database knows. */
const closeTimeoutMs = 5_000;
/** Of any database: only sealers ask for it. */
const lock = 812_402;
/** A part is in memory at once, and no transaction may be idle for longer than its work takes. */
const perPart = 5_000;

/** Runs until it is closed, which waits for the round under way as long as it takes usually. */
export function startSealer(options: SealerOptions): SealerState & { close(): Promise<void> } {
  const sealer = createSealer(options);
  const closing = new AbortController();
  const running = keepSealing(sealer, closing.signal, options.onError);
  return {
    ...sealer,
    close() {
      closing.abort();
      return Promise.race([running, delay(closeTimeoutMs, undefined, { ref: false })]);
    },
  };
}

async function keepSealing(sealer: Sealer, signal: AbortSignal, onError: SealerOptions['onError']): Promise<void> {
  const pause = () => delay(everyMs, true, { signal }).catch(() => false);
  let isFailing = false;
  while (!signal.aborted) {
    try {
      // Who has had the turn knows best what is new, and tries for the next at once.
      if (!(await sealer.round(roundsPerTurn, pause))) await pause();
      isFailing = false;
    } catch (error) {
      // Told once until it works again; the figures tell how long it lasts.
      if (!isFailing && !signal.aborted) onError(error, 'AuditEvents could not be sealed; it is tried again.');
      isFailing = true;
      await pause();
    }
  }
}

export function createSealer(options: SealerOptions): Sealer {
  const { systemDoor, tenantDoor, roots, anchors, onError, now = () => new Date() } = options;
  const anchoring = createAnchoring({ anchors, now, onError });
  let key: SealKey | undefined;
  /** What was committed then has been found, and is sealed but for what a tenant's failure left in the backlog. */
  let foundUntil: Moment | undefined;
  /** What was committed then is sealed. */
  let sealedUntil: Moment | undefined;
  let behindSince: Date | undefined;

  const backlog = createBacklog(async (tenantId, refs) => {
    const head = await sealRows(
      { tenantDoor, now, key: key as SealKey },
      { tenantId, refs, sealedUntil: sealedUntil ? JSON.stringify(sealedUntil) : '' },
    );
    if (head) anchoring.add(head);
  }, onError);

  async function sealAll(trx: Transaction): Promise<void> {
    const until = await momentOf(trx);
    if (!foundUntil) {
      sealedUntil = (await readSealedUntil(trx)) ?? sealedUntil;
      await anchoring.addLast(trx);
    }
    if (sealedUntil && !isEarlier(sealedUntil, until)) sealedUntil = undefined;
    const since = backlog.mustFindAgain() ? sealedUntil : (foundUntil ?? sealedUntil);
    for (let after: string | undefined; ; ) {
      const found = await findUnsealed(trx, { since, until, after, countMin: perPart });
      backlog.add(found);
      behindSince = backlog.oldest();
      await backlog.work();
      await anchoring.flush();
      if (found.length < perPart) break;
      after = found.at(-1)?.tx;
    }
    foundUntil = until;
    if (backlog.isEmpty()) sealedUntil = until;
    behindSince = backlog.oldest();
  }

  return {
    async round(times = 1, pause = () => Promise.resolve(true)) {
      try {
        key ??= await openSealKey(tenantDoor, roots);
        return await systemDoor(async (trx) => {
          const hasTurn = await tryLock(trx);
          if (!hasTurn) {
            // Who has it leaves another state behind.
            foundUntil = undefined;
            behindSince = undefined;
            return false;
          }
          await sealAll(trx);
          for (let done = 1; done < times && (await pause()); done++) await sealAll(trx);
          return true;
        });
      } catch (error) {
        behindSince ??= now();
        throw error;
      }
    },
    lagMs: () => (behindSince ? Math.max(now().getTime() - behindSince.getTime(), 0) : 0),
    anchorLagMs: anchoring.lagMs,
  };
}

/**
 * Until the transaction ends, however its process ends. What is new is walked in the order of the index, however much of it
 * the planner expects.
 */
async function tryLock(trx: Transaction): Promise<boolean> {
  const [row] = await trx.query<{ isOurs: boolean }>({
    text: `SELECT pg_try_advisory_xact_lock($1) AS "isOurs", set_config('enable_seqscan', 'off', true),
             set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`,
    values: [lock],
  });
  return row?.isOurs ?? false;
}

/** As the newest head tells it; undefined when nothing was sealed yet, or not all of it. */
async function readSealedUntil(trx: Transaction): Promise<Moment | undefined> {
  const [row] = await trx.query<{ text: string }>({
    text: 'SELECT sealed_until AS text FROM seal_head ORDER BY at DESC LIMIT 1',
  });
  return row && row.text !== '' ? (JSON.parse(row.text) as Moment) : undefined;
}
