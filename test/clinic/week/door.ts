// How a client of a busy clinic asks: again, with the same Idempotency-Key, until it is answered (contract.md 8).

import { setTimeout as delay } from 'node:timers/promises';
import type { TestResponse } from '../../support/server.ts';
import type { Requester } from './books.ts';

const patienceMs = 60_000;
const pauseMs = 20;
/** What a client may be told whose request does not fit what others have done: contract.md 4; 412 and 404 are for what is gone. */
const answersUsual = [200, 201, 400, 404, 409, 412, 422];

export class Door {
  readonly #clinic: Requester;
  readonly #keys: string;
  #asked = 0;

  /** `keys` begins the Idempotency-Keys: no other door of the tenant may have the same. */
  constructor(clinic: Requester, keys: string) {
    this.#clinic = clinic;
    this.#keys = keys;
  }

  /** Throws at anything that a client must never be told, with the request. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<TestResponse> {
    const key = { 'Idempotency-Key': `${this.#keys}-${this.#asked++}` };
    const all = method === 'POST' ? { ...key, ...headers } : headers;
    for (const end = Date.now() + patienceMs; ; await delay(pauseMs)) {
      const answer = await this.#clinic.request(method, path, body, all).catch(whyLost);
      const isAnswered = 'text' in answer && answer.status !== 503 && !answer.text.includes('still runs');
      if (isAnswered && answersUsual.includes(answer.status)) return answer;
      if (isAnswered || Date.now() > end) {
        const said = 'text' in answer ? `${answer.status} ${answer.text}` : answer.lost;
        throw new Error(`${method} ${path} ${JSON.stringify(body)} is answered ${said}`);
      }
    }
  }

  /** Throws unless it is answered so. */
  async askFor(statuses: readonly number[], ...request: Parameters<Door['ask']>): Promise<TestResponse> {
    const answer = await this.ask(...request);
    if (statuses.includes(answer.status)) return answer;
    const [method, path, body] = request;
    const expected = statuses.join(' or ');
    throw new Error(
      `${method} ${path} ${JSON.stringify(body)} is answered ${answer.status} and not ${expected}: ${answer.text}`,
    );
  }
}

/** The connection broke: the server was killed, or is not there yet. Anything else is a fault of the test. */
function whyLost(error: unknown): { readonly lost: string } {
  // Errors of fetch are of another realm than Jest's: they are told by their words.
  const { message, cause } = error as { readonly message: string; readonly cause?: unknown };
  if (/^(fetch failed|terminated)$|There is no token/.test(message)) return { lost: `${message}: ${cause}` };
  throw error;
}
