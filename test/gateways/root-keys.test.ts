// Each keeper of a root key wraps and unwraps by the same rules, and speaks its own protocol: security.md 1.10, fault 33

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalRoot } from '../../src/crypto/local-root.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { signAwsRequest } from '../../src/gateways/aws-signature.ts';
import { createKeyDirectory } from '../../src/gateways/key-directory.ts';
import { createAwsKms } from '../../src/gateways/kms-aws.ts';
import { KeyRefusal, type RootKey } from '../../src/gateways/root-key.ts';
import { createVaultTransit } from '../../src/gateways/vault-transit.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { type AwsKmsServer, awsCredentials, startAwsKmsServer } from './aws-kms-server.ts';
import { startVaultServer, type VaultServer, vaultToken } from './vault-server.ts';

let kms: AwsKmsServer;
let vault: VaultServer;
const folder = makeTemporaryFolder();
const rootKey = Buffer.alloc(32, 'root');
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
beforeAll(async () => {
  [kms, vault] = await Promise.all([startAwsKmsServer(), startVaultServer('clinics')]);
});
afterAll(async () => {
  await Promise.all([kms.close(), vault.close()]);
});

const openKms = (more = {}) =>
  createAwsKms({
    region: 'eu-central-1',
    prefix: 'hpms',
    endpoint: kms.url,
    credentials: () => awsCredentials,
    ...more,
  });
const openVault = (more = {}) =>
  createVaultTransit({
    url: vault.url,
    mount: 'transit',
    prefix: 'hpms',
    token: () => vaultToken,
    namespace: 'clinics',
    ...more,
  });
const keepers: Readonly<Record<string, () => RootKey>> = {
  'a file with a key directory': () => createLocalRoot(rootKey, createKeyDirectory(path.join(folder, 'keys'))),
  'AWS KMS': () => openKms(),
  'Vault transit': () => openVault(),
};
const nameOf = (tenantId: number, version = 1, purpose = 'data') => ({ tenantId, purpose, version });
const key = randomBytes(32);

describe.each(Object.keys(keepers))('%s', (keeper) => {
  let root: RootKey;
  beforeAll(async () => {
    root = (keepers[keeper] as () => RootKey)();
    for (const tenantId of [1, 2, 3]) await root.prepare(tenantId);
    await root.prepare(1);
  });

  test('gives back what it wraps, to every process that has it', async () => {
    const wrapped = await root.wrap(key, nameOf(1));
    expect(wrapped.includes(key)).toBe(false);
    expect((await root.unwrap(wrapped, nameOf(1))).equals(key)).toBe(true);
    const other = (keepers[keeper] as () => RootKey)();
    expect(other.id).toBe(root.id);
    expect((await other.unwrap(wrapped, nameOf(1))).equals(key)).toBe(true);
  });

  test('opens nothing under the name of another tenant, purpose or version, nor with a bit flipped', async () => {
    const wrapped = await root.wrap(key, nameOf(1));
    for (const name of [nameOf(2), nameOf(1, 2), nameOf(1, 1, 'index')]) {
      await expect(root.unwrap(wrapped, name)).rejects.toThrow(KeyRefusal);
    }
    const flipped = Buffer.from(wrapped);
    flipped[wrapped.length - 6] = (flipped[wrapped.length - 6] as number) ^ 4;
    await expect(root.unwrap(flipped, nameOf(1))).rejects.toThrow(
      `The data key 1 of tenant 1 does not open under ${root.id}`,
    );
  });

  test("opens nothing of a tenant whose secret is destroyed, whoever has kept what was wrapped, and everything of others'", async () => {
    const [gone, stays] = [await root.wrap(key, nameOf(3)), await root.wrap(key, nameOf(2))];
    await root.destroy(3);
    await root.destroy(3);
    await expect(root.unwrap(gone, nameOf(3))).rejects.toThrow(KeyRefusal);
    expect((await root.unwrap(stays, nameOf(2))).equals(key)).toBe(true);
    await root.destroy(99);
  });
});

describe('a key directory', () => {
  const directory = path.join(folder, 'own');
  const secrets = createKeyDirectory(directory);

  test('has one secret per tenant, closed to others, the same for all who make it at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => secrets.make(7)));
    expect(new Set(made.map((one) => one.toString('hex'))).size).toBe(1);
    expect(readdirSync(directory)).toEqual(['tenant-7.key']);
    expect(statSync(path.join(directory, 'tenant-7.key')).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('neither the root key nor the secret opens anything alone', async () => {
    const wrapped = await createLocalRoot(rootKey, secrets).wrap(key, nameOf(7));
    await expect(createLocalRoot(rootKey).unwrap(wrapped, nameOf(7))).rejects.toThrow(KeyRefusal);
    await expect(createLocalRoot(randomBytes(32), secrets).unwrap(wrapped, nameOf(7))).rejects.toThrow(KeyRefusal);
  });

  test('takes a damaged secret for none and never makes another in its place', async () => {
    writeFileSync(path.join(directory, 'tenant-8.key'), 'short');
    await expect(secrets.make(8)).rejects.toThrow('tenant-8.key in the key directory holds no key');
    expect(readFileSync(path.join(directory, 'tenant-8.key'), 'utf8')).toBe('short');
  });

  test('leaves no file of what it has destroyed', async () => {
    await secrets.destroy(7);
    expect(existsSync(path.join(directory, 'tenant-7.key'))).toBe(false);
    expect(await secrets.read(7)).toBeUndefined();
  });
});

describe('AWS Signature Version 4', () => {
  // From AWS's own test suite, aws-sig-v4-test-suite: get-vanilla and post-vanilla.
  test.each([
    ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])('of the published %s request is the published one', (method, signature) => {
    const request = { method, url: 'https://example.amazonaws.com/', headers: {}, body: '' };
    const { authorization } = signAwsRequest(request, {
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey },
      region: 'us-east-1',
      service: 'service',
      at: new Date('2015-08-30T12:36:00Z'),
    });
    expect(authorization).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
  });
});

describe('a keeper that cannot be had', () => {
  const isOutOfReach = async (asked: Promise<unknown>, why: RegExp) => {
    const error = await asked.then(
      () => undefined,
      (reason: unknown) => reason as FhirError,
    );
    expect(error).toBeInstanceOf(FhirError);
    expect({ status: error?.status, retry: error?.retryAfterSeconds }).toEqual({ status: 503, retry: 5 });
    expect((error?.cause as Error | undefined)?.message).toMatch(why);
    expect(error?.message).not.toMatch(/127\.0\.0\.1|aws|vault/i);
  };

  test('because nobody answers, or its answer can be repaired, is a 503 that names it for the log alone', async () => {
    const [byKms, byVault] = [openKms(), openVault()];
    const [ofKms, ofVault] = [await byKms.wrap(key, nameOf(1)), await byVault.wrap(key, nameOf(1))];
    for (const [root, wrapped, server] of [
      [byKms, ofKms, kms],
      [byVault, ofVault, vault],
    ] as const) {
      server.isDown = true;
      await isOutOfReach(root.unwrap(wrapped, nameOf(1)), /does not answer/);
      server.isDown = false;
      server.says = { status: 503, body: { __type: 'KMSInternalException', errors: ['Vault is sealed'] } };
      await isOutOfReach(root.unwrap(wrapped, nameOf(1)), /KMSInternalException|status 503/);
      await isOutOfReach(root.prepare(5), /KMSInternalException|status 503/);
      server.says = undefined;
      expect((await root.unwrap(wrapped, nameOf(1))).equals(key)).toBe(true);
    }
  });

  test('because we may not ask it is the same: a wrong secret, and a token that has ended', async () => {
    const stranger = openKms({ credentials: () => ({ ...awsCredentials, secretAccessKey: 'another' }) });
    await isOutOfReach(stranger.wrap(key, nameOf(1)), /IncompleteSignatureException/);
    await isOutOfReach(openVault({ token: () => 'ended' }).wrap(key, nameOf(1)), /status 403/);
  });

  test('shows its credentials nowhere: no request holds the secret key, no path the token', () => {
    expect(kms.asked.length).toBeGreaterThan(10);
    for (const { path: where, headers, body } of [...kms.asked, ...vault.asked]) {
      expect(JSON.stringify([where, headers, body])).not.toContain(awsCredentials.secretAccessKey);
      expect(where + body).not.toContain(vaultToken);
      expect(body).not.toContain(key.toString('hex'));
    }
  });
});
