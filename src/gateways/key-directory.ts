// The secrets of tenants as files beside the root key: a backup of the database without these opens for nobody.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TenantSecrets } from './root-key.ts';

const secretBytes = 32;

/** Each file is there whole or not at all, and is readable for this process' user only. */
export function createKeyDirectory(directory: string): TenantSecrets {
  const fileOf = (tenantId: number) => path.join(directory, `tenant-${tenantId}.key`);
  return {
    read: (tenantId) => readSecret(fileOf(tenantId)),
    async make(tenantId) {
      const file = fileOf(tenantId);
      const known = await readSecret(file);
      if (known) return known;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const aside = `${file}.${randomBytes(6).toString('hex')}`;
      try {
        await writeDurably(aside, 'wx', Buffer.from(`${randomBytes(secretBytes).toString('base64')}\n`));
        // Fails where another process was faster: then that is the secret.
        await link(aside, file).catch(ignore('EEXIST'));
      } finally {
        await rm(aside, { force: true });
      }
      await syncDirectory(directory);
      return (await readSecret(file)) as Buffer;
    },
    async destroy(tenantId) {
      const file = fileOf(tenantId);
      // What the disk keeps of an unlinked file is not the secret then; one that writes elsewhere is told of in the README.
      await writeDurably(file, 'r+', randomBytes(45)).catch(ignore('ENOENT'));
      await rm(file, { force: true });
      if (!existsSync(directory)) return;
      await syncDirectory(directory);
    },
  };
}

async function readSecret(file: string): Promise<Buffer | undefined> {
  try {
    const secret = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64');
    if (secret.length === secretBytes) return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  throw new Error(`${path.basename(file)} in the key directory holds no key.`);
}

async function writeDurably(file: string, flags: string, bytes: Buffer): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that the name of a file is as durable as its content. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignore(code: string): (error: unknown) => void {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  };
}
