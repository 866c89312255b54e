// The root keys a process has: one wraps, all of them unwrap, so that there can be another one tomorrow.

import { type KeyName, KeyRefusal, type RootKey } from '../gateways/root-key.ts';
import { createLocalRoot } from './local-root.ts';

export interface RootKeys {
  /** Wraps whatever is made from now on. */
  readonly current: RootKey;
  /** Those that have wrapped before. */
  readonly earlier: readonly RootKey[];
}

/** What stands in a row of `tenant_key`; no root key is named in those of before there were several. */
export interface WrappedKey extends KeyName {
  readonly wrapped: Buffer;
  readonly root: string | null;
}

/** Without secrets of the tenants, for who has nothing but a key. */
export function soleRoot(key: Buffer): RootKeys {
  return { current: createLocalRoot(key), earlier: [] };
}

export function allRoots({ current, earlier }: RootKeys): readonly RootKey[] {
  return [current, ...earlier];
}

/** Throws KeyRefusal, or 503 where the root key is out of reach. */
export async function unwrapKey(roots: RootKeys, row: WrappedKey): Promise<Buffer> {
  const [first, ...others] = allRoots(roots).filter(({ id }) => (row.root === null ? isPlain(id) : id === row.root));
  if (!first)
    throw new KeyRefusal(row.root ?? 'a root key from a file', row, 'this process has not been given that root key');
  const key = await unwrapByOne([first, ...others], row);
  if (key.length !== 32) throw new KeyRefusal(first.id, row, 'it is no key of 256 bits');
  return key;
}

/** Those that name no root key are tried with each: the right one is known by the box. */
async function unwrapByOne([root, ...others]: readonly RootKey[], row: WrappedKey): Promise<Buffer> {
  try {
    return await (root as RootKey).unwrap(row.wrapped, row);
  } catch (error) {
    if (others.length === 0 || !(error instanceof KeyRefusal)) throw error;
    return await unwrapByOne(others, row);
  }
}

function isPlain(id: string): boolean {
  return id.startsWith('local:');
}
