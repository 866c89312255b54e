// Makes the root keys of a process from its settings.

import { createLocalRoot } from './crypto/local-root.ts';
import type { RootKeys } from './crypto/root-keys.ts';
import { createKeyDirectory } from './gateways/key-directory.ts';
import { createAwsKms } from './gateways/kms-aws.ts';
import type { RootKey } from './gateways/root-key.ts';
import { createVaultTransit } from './gateways/vault-transit.ts';
import type { RootSettings, RootSource } from './root-settings.ts';

/** A key in memory stands twice: with the secrets of tenants beside it, and alone, as it wrapped before there were any. */
export function openRoots({ current, previous, keyDir }: RootSettings): RootKeys {
  const secrets = keyDir === undefined ? undefined : createKeyDirectory(keyDir);
  const rootsOf = (source: RootSource | undefined): RootKey[] => {
    if (source === undefined) return [];
    if (source.kind === 'local') {
      return [...(secrets ? [createLocalRoot(source.key, secrets)] : []), createLocalRoot(source.key)];
    }
    return [source.kind === 'vault' ? createVaultTransit(source) : createAwsKms(source)];
  };
  const [first, ...earlier] = [...rootsOf(current), ...rootsOf(previous)];
  return { current: first as RootKey, earlier };
}
