// Makes a failing input smaller as long as it still fails: fast-check shrinks its choices, this shrinks what came of them.

/** The smallest input found; at most `triesMax` are tried. */
export async function minimize(
  input: unknown,
  fails: (candidate: unknown) => Promise<boolean>,
  triesMax = 2_000,
): Promise<unknown> {
  let smallest = input;
  let tries = 0;
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of smaller(smallest)) {
      if (++tries > triesMax) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      improved = true;
      break;
    }
  }
  return smallest;
}

/** The boldest first. */
function* smaller(value: unknown): Generator<unknown> {
  if (typeof value === 'string') yield* shorterTexts(value);
  else if (Array.isArray(value)) yield* smallerLists(value);
  else if (typeof value === 'object' && value !== null) yield* smallerObjects(value as Record<string, unknown>);
  else if (typeof value === 'number' && value !== 0)
    yield* [0, Math.trunc(value / 2)].filter((one) => Math.abs(one) < Math.abs(value));
}

function* shorterTexts(text: string): Generator<string> {
  for (let length = Math.ceil(text.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < text.length; at += length) yield text.slice(0, at) + text.slice(at + length);
  }
}

function* smallerLists(list: readonly unknown[]): Generator<unknown> {
  for (let length = Math.ceil(list.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < list.length; at += length) yield [...list.slice(0, at), ...list.slice(at + length)];
  }
  for (const [at, item] of list.entries()) for (const less of smaller(item)) yield list.with(at, less);
}

function* smallerObjects(node: Readonly<Record<string, unknown>>): Generator<unknown> {
  const entries = Object.entries(node);
  for (const [at] of entries.entries()) yield Object.fromEntries(entries.toSpliced(at, 1));
  for (const [at, [key, child]] of entries.entries()) {
    for (const less of smaller(child)) yield Object.fromEntries(entries.with(at, [key, less]));
  }
}
