// A licensed distribution on the operator's disk: a file, or the folder it was unpacked into, and how far it is read.

import { createReadStream, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fhirError } from '../../fhir/outcome.ts';

/** Told of bytes that are read, of how many. */
export type Reading = (done: number, of: number) => void;

export interface DistributionOptions {
  /** The version of the code system, where the distribution does not tell. */
  readonly release?: string | undefined;
  readonly reading?: Reading;
}

export class Distribution {
  readonly release: string | undefined;
  readonly #files: readonly string[];
  readonly #reading: Reading;
  #bytes = 0;
  #bytesRead = 0;

  constructor(place: string, { release, reading = () => undefined }: DistributionOptions = {}) {
    this.release = release;
    this.#reading = reading;
    this.#files = filesIn(place);
  }

  /** The files whose names fit, by name. */
  all(pattern: RegExp): string[] {
    return this.#files.filter((file) => pattern.test(path.basename(file)));
  }

  /** The last by name, which is the latest release. */
  find(pattern: RegExp): string | undefined {
    return this.all(pattern).at(-1);
  }

  /** Throws a sentence that says what is missing. */
  require(pattern: RegExp, usualName: string): string {
    const file = this.find(pattern);
    if (file !== undefined) return file;
    throw notThere(
      `There is no ${usualName} there. Give the folder that the distribution was unpacked into, or the file.`,
    );
  }

  /** Files that will be read, so that the whole is known from the start. */
  expect(files: readonly string[]): void {
    for (const file of files) this.#bytes += statSync(file).size;
  }

  async *chunks(file: string): AsyncGenerator<string> {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      // Characters stand for bytes: it is for the eye.
      this.#bytesRead += (chunk as string).length;
      this.#reading(Math.min(this.#bytesRead, this.#bytes), this.#bytes);
      yield chunk as string;
    }
  }
}

/** Relative links are not followed; the folders of a distribution are few and not deep. */
function filesIn(place: string): string[] {
  try {
    if (statSync(place).isFile()) return [place];
    const names = readdirSync(place, { recursive: true, encoding: 'utf8' }).sort();
    return names.map((name) => path.join(place, name)).filter((file) => statSync(file).isFile());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw notThere(`There is no file or folder ${place}.`);
  }
}

export function notThere(sentence: string): Error {
  return fhirError('not-found', sentence);
}
