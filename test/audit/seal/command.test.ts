// `npm run audit:verify` on a sealed database: what it says, the proof of one event, and how it ends (security.md 123)

import { appendFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { anchorLine } from '../../../src/audit/seal/anchor-lines.ts';
import { isSigned, signedBytes } from '../../../src/audit/seal/head.ts';
import { openSealKey } from '../../../src/audit/seal/seal-key.ts';
import { includedRoot } from '../../../src/audit/seal/tree-proofs.ts';
import { readArguments } from '../../../src/commands/audit-verify-arguments.ts';
import { type Ended, runCommand } from '../../support/run-command.ts';
import { makeSealWorld, roots, type SealWorld } from './seal-world.ts';

let world: SealWorld;
let ids: string[];
beforeAll(async () => {
  world = await makeSealWorld();
  ids = await world.record(world.a, 300, new Date(Date.now() - 120_000));
  await world.sealer.round();
  await world.record(world.a, 5);
  await world.sealer.round();
});
afterAll(() => world.close());

function verify(...args: readonly string[]): Promise<Ended> {
  return runCommand('audit-verify', args, world.url, { AUDIT_ANCHOR: `file:${world.anchorFile}` });
}

test('all tenants are verified, one line each, whose end is an anchor to go on from', async () => {
  const { code, stdout, stderr } = await verify();
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(/^Heads are signed by {2}\{"kty":"OKP","crv":"Ed25519","x":"[\w-]{43}"\}$/m);
  expect(stdout).toMatch(
    /^a {2}as sealed {2}305 events, 2 heads, .*, anchored up to event 305, last 305:[0-9a-f]{64}$/m,
  );
  expect(stdout).toMatch(/^b {2}as sealed {2}0 events, 0 heads, /m);
  const [, anchor = ''] = /last (\S+)/.exec(stdout) ?? [];
  const since = await verify('--tenant', 'a', '--since', anchor);
  expect([since.code, since.stdout]).toEqual([0, expect.stringMatching(/^a {2}as sealed {2}49 events, 2 heads, /m)]);
});

test('the proof of one event can be checked by whoever has the public key', async () => {
  const { code, stdout } = await verify('--tenant', 'a', '--event', ids[17]!);
  expect(code).toBe(0);
  const { leaf, index, path: hashes, head, event } = JSON.parse(stdout);
  expect([event, index]).toEqual([`AuditEvent/${ids[17]}`, 17]);
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const root = includedRoot({ leaf: bytes(leaf), index, size: head.size, path: hashes.map(bytes) });
  expect(root?.toString('hex')).toBe(head.root);
  const { tenantId, size, prev, at, key, signature } = head;
  const signed = { tenantId, size, root: root!, prevHash: bytes(prev), at: new Date(at), key: key.x };
  expect(isSigned({ ...signed, signature: Buffer.from(signature, 'base64') })).toBe(true);
});

describe('where something differs', () => {
  test('the tenant and the first difference are named, the others verified, and the exit code is 1', async () => {
    await world.doctor((client) =>
      client.query("UPDATE store.audit_event SET content = '\\x00' WHERE id = $1", [ids[17]]),
    );
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`^a {2}edited: AuditEvent/${ids[17]} of \\S+ \\(event 18\\) is not as it was sealed\\.$`, 'm'),
    );
    expect(stdout).toMatch(/^b {2}as sealed/m);
  });

  test('a tenant that only the anchors know is missed', async () => {
    const { key, sign } = await openSealKey(world.tenantDoor, roots);
    const root = Buffer.alloc(32);
    const [gone, never] = [77, 78].map((tenantId) => ({
      ...{ tenantId, size: 300, root, prevHash: Buffer.alloc(0), at: new Date(), key },
    }));
    const signature = sign(signedBytes(gone!));
    const lines = ['half a', anchorLine({ ...gone!, signature }), anchorLine({ ...never!, signature })];
    appendFileSync(world.anchorFile, `${lines.join('\n')}\n`);
    const { code, stdout } = await verify();
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^behind-anchor: The anchors know of 300 events of tenant 77, /m),
    ]);
    expect(stdout).not.toContain('tenant 78');
    expect(stdout).toMatch(/^Line 3 of .* is no anchor\.$/m);
  });

  test('anchors that are gone cannot be gone on from', async () => {
    rmSync(world.anchorFile);
    const { code, stdout } = await verify('--tenant', 'a', '--since', 'last');
    expect([code, stdout]).toEqual([1, expect.stringContaining('anchor: No anchor is there to go on from.')]);
  });
});

test('what cannot be done is said in a sentence, with exit code 2', async () => {
  const { code, stderr } = await verify('--tenant', 'nobody');
  expect([code, stderr]).toEqual([2, 'There is no tenant nobody.\n']);
});

test.each([
  [['--event', 'x']],
  [['--since', 'last']],
  [['--tenant', 'a', '--since', 'yesterday']],
  [['--tenant', 'a', '--since', `1:${'0'.repeat(63)}`]],
  [['--tenant', 'a', '--since', 'last', '--event', 'x']],
  [['--tenant', 'a', '--event', 'x', '--tokens']],
  [['--what']],
])('%j is answered with what there is', (args) => {
  expect(() => readArguments(args)).toThrow('Use: npm run audit:verify');
});

test('an event may be named as it is referenced, and an anchor by its size and root', () => {
  expect(readArguments(['--tenant', 'a', '--event', 'AuditEvent/x'])).toEqual({ tenant: 'a', event: 'x' });
  const root = 'ab'.repeat(32);
  expect(readArguments(['--tenant', 'a', '--since', `7:${root}`])).toEqual({
    tenant: 'a',
    since: { size: 7, root: Buffer.from(root, 'hex') },
  });
});
