// A disk of so many megabytes, in memory, that can be filled to its last block.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';

export class SmallDisk {
  readonly folder: string;
  readonly #ballast: string;

  /** `folder` is made. */
  constructor(folder: string, megabytes: number) {
    this.folder = folder;
    this.#ballast = path.join(folder, 'ballast');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', folder]);
  }

  fill(): void {
    const descriptor = openSync(this.#ballast, 'w');
    const piece = Buffer.alloc(65_536);
    try {
      while (statfsSync(this.folder).bavail > 0) writeSync(descriptor, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Takes away what filled it. */
  clear(): void {
    rmSync(this.#ballast);
  }

  remove(): void {
    execFileSync('umount', ['--lazy', this.folder]);
  }
}
