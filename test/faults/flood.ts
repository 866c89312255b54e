// Requests that come at a rate whether or not those before are answered, as from many who do not know of each other: an open model.

import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface FloodOptions {
  readonly origin: string;
  readonly path: string;
  /** Gives a token that is valid for some minutes; asked again, for a flood may last longer. */
  readonly authorize: () => Promise<string>;
}

const clientTimeoutMs = 10_000;
/** Whoever is refused or hears nothing asks again, and at once: a retry storm. */
const retriesMax = 3;
const tickMs = 10;
const renewMs = 60_000;
/** As of a proxy, more than the server lets under way. */
const connectionsMax = 1_200;
/** Whom the proxy holds, sent or not; the others it turns away itself, so that nobody is sent whose token has expired meanwhile. */
const heldMax = 2_400;

export class Flood {
  /** Each answer by its status, or by what was wrong. */
  readonly counts: Record<string, number> = {};
  /** By the proxy, and unknown to the server. */
  turnedAway = 0;
  readonly answeredMs: number[] = [];
  readonly #options: FloodOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  readonly #underWay = new Set<Promise<void>>();
  #isOver = false;
  #running: Promise<void> = Promise.resolve();
  #token = '';

  constructor(options: FloodOptions) {
    this.#options = options;
  }

  /** How many a second are answered when so many clients each wait for their answer. */
  async measure(clients: number, requests: number): Promise<number> {
    this.#token = await this.#options.authorize();
    const startedAt = performance.now();
    let left = requests;
    const ask = async () => {
      while (left-- > 0) await this.#send();
    };
    await Promise.all(Array.from({ length: clients }, ask));
    return (requests * 1_000) / (performance.now() - startedAt);
  }

  async start(perSecond: number): Promise<void> {
    this.#token = await this.#options.authorize();
    const renewal = setInterval(() => this.#renew(), renewMs);
    this.#running = this.#run(perSecond).finally(() => clearInterval(renewal));
  }

  /** In a flood it may be refused, and is tried again. */
  #renew(): void {
    this.#options.authorize().then(
      (token) => {
        this.#token = token;
      },
      () => undefined,
    );
  }

  /** Resolves when the last of them is answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await Promise.all(this.#underWay);
    this.#agent.destroy();
  }

  async #run(perSecond: number): Promise<void> {
    const startedAt = performance.now();
    for (let begun = 0; !this.#isOver; await delay(tickMs)) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      for (; begun < due && !this.#isOver; begun++) {
        if (this.#underWay.size >= heldMax) {
          this.turnedAway += 1;
          continue;
        }
        const one: Promise<void> = this.#sendAgain().then(() => void this.#underWay.delete(one));
        this.#underWay.add(one);
      }
    }
  }

  async #sendAgain(): Promise<void> {
    for (let attempt = 0; attempt <= retriesMax; attempt++) {
      if ((await this.#send()) === '200' || this.#isOver) return;
    }
  }

  async #send(): Promise<string> {
    const { outcome, tookMs } = await this.#ask();
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    if (outcome === '200') this.answeredMs.push(tookMs);
    return outcome;
  }

  #ask(): Promise<{ readonly outcome: string; readonly tookMs: number }> {
    const { origin, path } = this.#options;
    const headers = { authorization: `Bearer ${this.#token}` };
    return new Promise((resolve) => {
      let startedAt = performance.now();
      const end = (outcome: string) => resolve({ outcome, tookMs: performance.now() - startedAt });
      const request = httpRequest(origin + path, { agent: this.#agent, headers }, (response) => {
        const isBare = response.statusCode === 503 && response.headers['retry-after'] === undefined;
        response
          .once('end', () => end(isBare ? '503 without Retry-After' : String(response.statusCode)))
          .once('error', () => end('cut'))
          .resume();
      });
      // Before it has a connection it waits at the proxy.
      request.once('socket', () => {
        startedAt = performance.now();
      });
      request.setTimeout(clientTimeoutMs, () => request.destroy(new Error('timeout')));
      request.once('error', ({ message }) => end(message === 'timeout' ? 'timeout' : 'cut')).end();
    });
  }
}
