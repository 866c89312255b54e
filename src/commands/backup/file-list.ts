// Files of a backup with their SHA-256, in the format of `sha256sum -c`: https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html

import { createHash, type Hash } from 'node:crypto';
import { appendFileSync, createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ListedFile {
  /** Below the backup's folder, with `/`. */
  readonly file: string;
  readonly sha256: string;
}

export interface FileSum {
  readonly files: number;
  readonly bytes: number;
}

const pieceBytes = 1_048_576;

/** Appends to the list as files are finished. */
export class FileList {
  readonly #folder: string;
  readonly #name: string;
  readonly #behind: ((line: string) => string) | undefined;
  files = 0;
  bytes = 0;

  /** `behind` gives a comment for each line. */
  constructor(folder: string, name: string, behind?: (line: string) => string) {
    this.#folder = folder;
    this.#name = name;
    this.#behind = behind;
  }

  /** Writes the stream durably to a new file and lists it. */
  async write(file: string, source: Readable, ...through: readonly Transform[]): Promise<void> {
    const target = path.join(this.#folder, file);
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    const hash = createHash('sha256');
    const writing = createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline([source, ...through, passingThrough(hash), writing]);
    this.#add(file, hash.digest('hex'), writing.bytesWritten);
  }

  /** The same of what `work` puts into a stream; it is ended here. */
  async fill<T>(file: string, through: Transform, work: (target: Writable) => Promise<T>): Promise<T> {
    const target = new PassThrough({ highWaterMark: pieceBytes });
    // Its error is thrown below.
    target.on('error', () => undefined);
    const fill = async () => {
      try {
        const result = await work(target);
        target.end();
        return result;
      } catch (error) {
        target.destroy(error as Error);
        throw error;
      }
    };
    const [result] = await Promise.all([fill(), this.write(file, target, through)]);
    return result;
  }

  /** Lists a file that is there. */
  async add(file: string): Promise<void> {
    const { size } = await stat(path.join(this.#folder, file));
    this.#add(file, await hashOf(path.join(this.#folder, file)), size);
  }

  #add(file: string, sha256: string, bytes: number): void {
    const line = listLine({ file, sha256 });
    const lines = this.#behind ? `${line}\n${this.#behind(line)}\n` : `${line}\n`;
    appendFileSync(path.join(this.#folder, this.#name), lines, { mode: 0o600 });
    this.files += 1;
    this.bytes += bytes;
  }

  /** Makes the list itself durable and gives its own SHA-256. */
  async close(): Promise<string> {
    const file = path.join(this.#folder, this.#name);
    const handle = await open(file, 'a', 0o600);
    await handle.sync();
    await handle.close();
    return await hashOf(file);
  }
}

function passingThrough(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: pieceBytes }), hash);
  return hash.digest('hex');
}

/** An empty one where there is no such list. */
export async function* readList(folder: string, name: string): AsyncGenerator<ListedFile, void> {
  const file = path.join(folder, name);
  if (!existsSync(file)) return;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const listed = parseListLine(line);
    if (!listed) throw new Error(`${file} has a line that is no file of this backup.`);
    yield listed;
  }
}

export function listLine({ file, sha256 }: ListedFile): string {
  return `${sha256}  ${file}`;
}

/** Undefined for what names no file of a backup. */
export function parseListLine(line: string): ListedFile | undefined {
  const [, sha256 = '', file = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
  return file === '' || file.split('/').includes('..') || path.isAbsolute(file) ? undefined : { file, sha256 };
}
