// Writes the log's lines together. Nobody waits for it: a full disk or a reader that reads no more costs lines, never requests.

import { write, writeSync } from 'node:fs';

/** What waits for a place that takes nothing; later lines are lost, and counted. */
const waitingCharactersMax = 8_000_000;
/** So many leave at once, and all of them ten times a second. */
const togetherCharacters = 4_096;
const everyMs = 100;
/** For the last lines of a process whose reader is slow. */
const lastTriesMs = 500;
const pauseMs = 20;

export interface LogWriter {
  write(line: string): void;
  /** For the end of the process: what is still here is written now, or never. */
  finish(): void;
}

/** `onLost` is told how many lines were lost once there is room again. The descriptor of a pipe must not block. */
export function createLogWriter(
  fd: number,
  onLost: (lines: number) => void,
  charactersMax = waitingCharactersMax,
): LogWriter {
  let waiting = '';
  let leaving = Buffer.alloc(0);
  let isUnderWay = false;
  let isStuck = false;
  let lost = 0;
  const timer = setInterval(send, everyMs).unref();

  function send(): void {
    if (isUnderWay) return;
    if (leaving.length === 0) takeWaiting();
    if (leaving.length === 0) return;
    isUnderWay = true;
    write(fd, leaving, (error, bytes) => {
      isUnderWay = false;
      isStuck = error !== null;
      // The timer tries again.
      if (isStuck || leaving.length === 0) return;
      leaving = leaving.subarray(bytes);
      if (leaving.length > 0 || waiting.length >= togetherCharacters) send();
      else tellLost();
    });
  }

  function takeWaiting(): void {
    leaving = Buffer.from(waiting);
    waiting = '';
  }

  function tellLost(): void {
    const lines = lost;
    lost = 0;
    if (lines > 0) onLost(lines);
  }

  return {
    write(line) {
      if (waiting.length + line.length > charactersMax) {
        lost += 1;
        return;
      }
      waiting += line;
      if (waiting.length >= togetherCharacters && !isStuck) send();
    },
    finish() {
      clearInterval(timer);
      if (!isUnderWay) writeNow(fd, leaving);
      writeNow(fd, Buffer.from(waiting));
      waiting = '';
      leaving = leaving.subarray(0, 0);
      isStuck = true;
    },
  };
}

function writeNow(fd: number, bytes: Buffer): void {
  const end = performance.now() + lastTriesMs;
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > end) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}
