// Seals the AuditEvents of all tenants about once a second: one process at a time, at work again within seconds wherever it died.

import { setTimeout as delay } from 'node:timers/promises';
import type { RootKeys } from '../../crypto/root-keys.ts';
import type { SystemTurn } from '../../database/system-turn.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import type { Transaction } from '../../database/transaction.ts';
import type { AnchorTarget } from '../../gateways/anchor-target.ts';
import { createAnchoring } from './anchoring.ts';
import { createBacklog } from './backlog.ts';
import { findUnsealed, isEarlier, type Moment, momentOf } from './find-unsealed.ts';
import { openSealKey, type SealKey } from './seal-key.ts';
import { sealRows } from './seal-rows.ts';

export interface SealerOptions {
  readonly systemTurn: SystemTurn;
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
/** Then whoever has to have sealers wait comes to it, and so does another process. */
const roundsPerTurn = 10;
/** What is not finished then was not begun, as far as the database knows. */
const closeTimeoutMs = 5_000;
/** Of any database: sealers ask for it, and whoever has to have them wait. */
export const sealerLock = 812_402;
/** Much longer than a pause or a part takes; then another process goes on. */
const silentMaxMs = 30_000;
/** In memory at once. */
const perPart = 5_000;

/** What is new is walked in the order of the index, however much of it the planner expects. */
const inOrder = ['enable_seqscan', 'enable_bitmapscan', 'enable_sort'].map((name) => ({
  name: `set-${name}`,
  text: `SELECT set_config('${name}', 'off', true)`,
}));

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
  const { systemTurn, tenantDoor, roots, anchors, onError, now = () => new Date() } = options;
  const anchoring = createAnchoring({ anchors, now, onError });
  let key: SealKey | undefined;
  /** What was committed then has been found, and is sealed but for what a tenant's failure left in the backlog. */
  let foundUntil: Moment | undefined;
  /** What was committed then is sealed. */
  let sealedUntil: Moment | undefined;
  let behindSince: Date | undefined;

  const backlog = createBacklog(async (tenantId, found) => {
    const head = await sealRows(
      { tenantDoor, now, key: key as SealKey },
      { tenantId, found, sealedUntil: sealedUntil ? JSON.stringify(sealedUntil) : '' },
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
      if (found.reduce((sum, { count }) => sum + count, 0) < perPart) break;
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
        const hadTurn = await systemTurn({ lock: sealerLock, silentMaxMs, setUp: inOrder }, async (trx) => {
          await sealAll(trx);
          for (let done = 1; done < times && (await pause()); done++) await sealAll(trx);
          return true;
        });
        if (hadTurn) return true;
        // Who has it leaves another state behind.
        foundUntil = undefined;
        behindSince = undefined;
        return false;
      } catch (error) {
        behindSince ??= now();
        throw error;
      }
    },
    lagMs: () => (behindSince ? Math.max(now().getTime() - behindSince.getTime(), 0) : 0),
    anchorLagMs: anchoring.lagMs,
  };
}

/** As the newest head tells it; undefined when nothing was sealed yet, or not all of it. */
async function readSealedUntil(trx: Transaction): Promise<Moment | undefined> {
  const [row] = await trx.query<{ text: string }>({
    text: 'SELECT sealed_until AS text FROM seal_head ORDER BY at DESC LIMIT 1',
  });
  return row && row.text !== '' ? (JSON.parse(row.text) as Moment) : undefined;
}
