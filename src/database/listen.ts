// A connection that waits for NOTIFY on one channel and comes back by itself: https://www.postgresql.org/docs/current/sql-listen.html

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface ListenOptions {
  /** From `connectionSettings`. */
  readonly connection: pg.ClientConfig;
  /** A constant of the code, never input. */
  readonly channel: string;
  /** A notice came, or, without a payload, may have been missed while the connection was away. */
  readonly onNotice: (payload?: string) => void;
  /** The connection is away; called once until it is back. */
  readonly onAway: (error: unknown) => void;
}

export interface Listener {
  close(): Promise<void>;
}

const connectTimeoutMs = 3_000;
/** A connection that died in silence is found out within about a minute, not after the system's two hours. */
const keepAliveAfterMs = 10_000;
const reconnectAfterMs = 500;

export function listen(options: ListenOptions): Listener {
  const closing = new AbortController();
  const listening = keepListening(options, closing.signal);
  return {
    close() {
      closing.abort();
      return listening;
    },
  };
}

async function keepListening(options: ListenOptions, signal: AbortSignal): Promise<void> {
  let isAway = false;
  const onListening = () => {
    isAway = false;
    options.onNotice();
  };
  while (!signal.aborted) {
    try {
      await listenOnce(options, onListening, signal);
    } catch (error) {
      if (!isAway && !signal.aborted) options.onAway(error);
      isAway = true;
    }
    await delay(reconnectAfterMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns when the signal is given and throws when the connection ends before that. */
async function listenOnce(options: ListenOptions, onListening: () => void, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({
    ...options.connection,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
  });
  client.on('notification', ({ payload }) => options.onNotice(payload));
  const ended = new Promise<never>((_, reject) => {
    client.on('error', reject);
    client.once('end', () => reject(new Error('The listening connection was ended.')));
  });
  ended.catch(() => undefined);
  try {
    await client.connect();
    await client.query(`LISTEN ${options.channel}`);
    onListening();
    if (!signal.aborted) await Promise.race([ended, once(signal, 'abort')]);
  } finally {
    await client.end();
  }
}
