// Shows how far a long step is: a bar that is drawn over on a terminal, a line now and then in a log.

const barWidth = 24;
const redrawEveryMs = 100;
const lineEveryMs = 5_000;

/** One step after the other; each has an amount to be done in a unit of its own. */
export class Progress {
  readonly #out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  readonly #now: () => number;
  #step = '';
  #startedAt = 0;
  #shownAt = 0;

  constructor(out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#now = now;
  }

  /** `unit` is what `done` and `of` count, such as `concepts`. */
  show(step: string, unit: string, done: number, of: number): void {
    const now = this.#now();
    if (step !== this.#step) {
      this.#endLine();
      this.#step = step;
      this.#startedAt = now;
      this.#shownAt = now;
    }
    const isDone = done >= of;
    if (!isDone && now - this.#shownAt < (this.#out.isTTY ? redrawEveryMs : lineEveryMs)) return;
    this.#shownAt = now;
    const text = describe({ step, unit, done, of, durationMs: now - this.#startedAt });
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${bar(done / (of || 1))} ${text}` : `${text}\n`);
    if (isDone) this.#endLine();
  }

  /** A sentence on a line of its own. */
  line(text: string): void {
    this.#endLine();
    this.#out.write(`${text}\n`);
  }

  #endLine(): void {
    if (this.#step !== '' && this.#out.isTTY) this.#out.write('\n');
    this.#step = '';
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(share, 1) * barWidth);
  return `[${'#'.repeat(full)}${' '.repeat(barWidth - full)}]`;
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

interface Amount {
  readonly step: string;
  readonly unit: string;
  readonly done: number;
  readonly of: number;
  readonly durationMs: number;
}

function describe({ step, unit, done, of, durationMs }: Amount): string {
  const perSecond = durationMs > 0 ? (done / durationMs) * 1_000 : 0;
  const percent = of > 0 ? Math.floor((done / of) * 100) : 100;
  const head = `${step}: ${percent} %, ${whole.format(done)} of ${whole.format(of)} ${unit}`;
  if (done >= of) return `${head} in ${(durationMs / 1_000).toFixed(1)} s`;
  const left = perSecond > 0 ? `, ${whole.format((of - done) / perSecond)} s left` : '';
  return `${head}, ${whole.format(perSecond)}/s${left}`;
}
