// Anchors in one file that only grows; on Linux `chattr +a` lets nobody but root take that back.

import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { AnchorTarget } from './anchor-target.ts';

export function createAnchorFile(file: string): AnchorTarget {
  let isThere = false;
  return {
    name: file,
    everyMs: 0,
    async append(lines) {
      const handle = await openFile(file, isThere).catch((error: unknown) => {
        // Told once; the next append begins a new file with the newest heads.
        isThere = false;
        throw error;
      });
      try {
        // A crash may have left half a line.
        await handle.appendFile(`${(await endsInLine(handle)) ? '' : '\n'}${lines.join('\n')}\n`);
        await handle.sync();
        isThere = true;
      } finally {
        await handle.close();
      }
    },
    read: () => readLines(file),
  };
}

/** One that was there a moment ago is not made again in silence. */
async function openFile(file: string, isThere: boolean): Promise<FileHandle> {
  if (!isThere) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    return await open(file, 'a+', 0o600);
  }
  const existing = await open(file, 'r').catch((cause: unknown) => {
    throw new Error(`The anchors in ${file} are gone.`, { cause });
  });
  await existing.close();
  return await open(file, 'a+', 0o600);
}

async function endsInLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

async function* readLines(file: string): AsyncGenerator<string> {
  const input = createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    input.destroy();
  }
}
