// Prints pages and codes in a thread of its own, which is started by the first and ends when nothing was printed for a while.

import { Worker } from 'node:worker_threads';
import { fhirError } from '../../fhir/outcome.ts';
import type { PrintJob } from './page.ts';

export type Print = (job: PrintJob) => Promise<Buffer>;

interface Waiting {
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: Error) => void;
}

interface Printed {
  readonly id: number;
  readonly bytes?: Uint8Array;
  readonly error?: string;
}

/** More would wait for seconds. */
const waitingMax = 100;
const idleMs = 60_000;

/** Throws 429 when too many pages wait already. */
export function createPrint(): Print {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;

  function end(failure?: Error): void {
    const ended = worker;
    worker = undefined;
    for (const { reject } of waiting.values()) reject(failure ?? new Error('The thread that prints has ended.'));
    waiting.clear();
    void ended?.terminate();
  }

  function started(): Worker {
    if (worker) return worker;
    const begun = new Worker(new URL('./print-worker.ts', import.meta.url));
    begun.on('message', ({ id, bytes, error }: Printed) => {
      const waits = waiting.get(id);
      waiting.delete(id);
      if (bytes) waits?.resolve(Buffer.from(bytes));
      else waits?.reject(new Error(`A document could not be printed: ${error}`));
      if (waiting.size > 0) return;
      // Neither a thread that waits nor its end keeps the process.
      begun.unref();
      idle = setTimeout(end, idleMs).unref();
    });
    begun.on('error', (error) => {
      if (worker === begun) end(error instanceof Error ? error : new Error(String(error)));
    });
    worker = begun;
    return begun;
  }

  return (job) => {
    if (waiting.size >= waitingMax) {
      throw fhirError('throttled', 'Too many documents are being printed; try again in a few seconds.');
    }
    clearTimeout(idle);
    const printer = started();
    printer.ref();
    const id = ++last;
    return new Promise<Buffer>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      printer.postMessage({ id, job });
    });
  };
}
