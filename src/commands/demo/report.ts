// What the demo prints: one aligned line per step with its time, progress of long steps, small tables.

import { styleText } from 'node:util';
import { DemoFailure } from './demo-failure.ts';

export interface StepResult<T> {
  readonly value: T;
  /** Behind the step's name: what came of it. */
  readonly detail: string;
  /** Where the step's own time is not what counts. */
  readonly durationMs?: number;
}

/** Between two lines of progress where lines cannot be overwritten. */
const progressEveryMs = 5_000;
const timeWidth = 9;
const nameWidth = 12;

/** Colour and overwriting only on a terminal; elsewhere plain lines. */
export class Report {
  readonly #out: NodeJS.WriteStream;
  #progressAt = performance.now();

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    // Whoever reads may stop reading (`npm run demo | head`); the demo still ends in good order.
    out.on('error', () => undefined);
  }

  async step<T>(name: string, work: () => Promise<StepResult<T>>): Promise<T> {
    const startedAt = performance.now();
    this.#progressAt = startedAt;
    const { value, detail, durationMs = performance.now() - startedAt } = await inStep(name, work);
    this.#clearProgress();
    const time = formatMs(durationMs).padStart(timeWidth);
    this.line(`${styleText('dim', time, { stream: this.#out })}  ${name.padEnd(nameWidth)}  ${detail}`);
    return value;
  }

  progress(text: string): void {
    if (this.#out.isTTY) {
      this.#out.write(`\r\u001b[K${' '.repeat(timeWidth + 2)}${text}`);
      return;
    }
    const now = performance.now();
    if (now - this.#progressAt < progressEveryMs) return;
    this.#progressAt = now;
    this.line(`${' '.repeat(timeWidth + 2)}${text}`);
  }

  /** Columns are as wide as their widest cell; those that hold numbers only are aligned to the right. */
  table(rows: readonly (readonly string[])[]): void {
    for (const row of alignTable(rows)) this.line(`  ${row}`);
  }

  heading(text: string): void {
    this.line(`\n${styleText('bold', text, { stream: this.#out })}`);
  }

  line(text: string): void {
    this.#out.write(`${text}\n`);
  }

  #clearProgress(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[K');
  }
}

export function alignTable(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const isNumeric = widths.map((_, at) => rows.every((row) => /^-?[\d,.]*$/.test(row[at] ?? '')));
  return rows.map((row) =>
    widths
      .map((width, at) => (isNumeric[at] ? (row[at] ?? '').padStart(width) : (row[at] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd(),
  );
}

/** Says which step failed. */
async function inStep<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    throw new DemoFailure(`${name}: ${error.message}`, { cause: error.cause });
  }
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `count(1896, 'resource')` is `1,896 resources`. */
export function count(number: number, noun: string): string {
  return `${whole.format(number)} ${noun}${number === 1 ? '' : 's'}`;
}

export function perSecond(number: number, durationMs: number): string {
  return `${whole.format((number / durationMs) * 1_000)}/s`;
}

function formatMs(durationMs: number): string {
  return `${durationMs < 10 ? durationMs.toFixed(1) : whole.format(durationMs)} ms`;
}
