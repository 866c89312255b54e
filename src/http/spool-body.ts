// Keeps a body in a temporary file while its client sends it, so that slow ones hold neither memory nor a turn.

import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The file is gone when `use` ends. Not for patients' data: what lies there is not encrypted. */
export async function spoolBody<T>(body: Readable, use: (received: () => Readable) => Promise<T>): Promise<T> {
  const file = join(tmpdir(), `hpms-${process.pid}-${randomUUID()}`);
  try {
    await pipeline(body, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    return await use(() => createReadStream(file));
  } finally {
    await rm(file, { force: true });
  }
}
