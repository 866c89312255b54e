// `AuditEvent/$verify` over HTTP: proofs that a client checks by itself, of its own clinic only (README, Proof)

import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { includedRoot, isConsistent } from '../../../src/audit/seal/tree-proofs.ts';
import { verifyTokens } from '../../../src/audit/seal/verify/verify-tokens.ts';
import { rolePassword } from '../../../src/database/role-password.ts';
import { testRootKey, withClient } from '../../support/database.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
let eventId: string;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/p', { resourceType: 'Patient', id: 'p' });
  const { json } = await server.a.request('GET', '/AuditEvent?action=C&_sort=-date&_count=1');
  eventId = json.entry[0].resource.id;
  for (let status = ''; status !== 'sound'; status = codeOf(await verified(`/AuditEvent/${eventId}/$verify`)));
});
afterAll(() => server.close());

async function verified(path: string, tenant = server.a): Promise<Parameters> {
  const { status, json, text } = await tenant.request('GET', path);
  if (status !== 200) throw new Error(text);
  return json;
}

const part = (parts: readonly ParametersParameter[] | undefined, name: string) =>
  parts?.find((one) => one.name === name);
const codeOf = ({ parameter }: Parameters) => part(parameter, 'outcome')?.valueCode ?? '';
const bytesOf = (one: ParametersParameter | undefined) => Buffer.from(one?.valueBase64Binary ?? '', 'base64');

interface Head {
  readonly size: number;
  readonly root: Buffer;
  readonly key: string;
}

/** As a client reads it, its signature checked by the published key alone. */
function headOf({ parameter }: Parameters): Head {
  const parts = part(parameter, 'head')?.part;
  const [size, root] = [part(parts, 'size')?.valueDecimal ?? 0, bytesOf(part(parts, 'root'))];
  const key = part(parts, 'key')?.valueString ?? '';
  const signed = bytesOf(part(parts, 'signed'));
  const publicKey = createPublicKey({ key: JSON.parse(key), format: 'jwk' });
  expect(verify(null, signed, publicKey, bytesOf(part(parts, 'signature')))).toBe(true);
  expect(signed.toString().split('\n').slice(1, 4)).toEqual([String(server.a.id), String(size), root.toString('hex')]);
  return { size, root, key };
}

const pathOf = (one: ParametersParameter | undefined) =>
  one?.part?.filter(({ name }) => name === 'path').map((node) => bytesOf(node)) ?? [];

test('the proof of an event leads from its leaf to the root of a signed head', async () => {
  const answer = await verified(`/AuditEvent/$verify?event=AuditEvent/${eventId}`);
  const head = headOf(answer);
  const event = part(answer.parameter, 'event');
  const [leaf, index] = [bytesOf(part(event?.part, 'leaf')), part(event?.part, 'index')?.valueDecimal ?? -1];
  expect(includedRoot({ leaf, index, size: head.size, path: pathOf(event) })).toEqual(head.root);
});

test('the tree of today is shown to have grown from one that the client has kept', async () => {
  const before = headOf(await verified('/AuditEvent/$verify'));
  let now = before;
  let answer: Parameters = { resourceType: 'Parameters' };
  while (now.size === before.size) {
    answer = await verified(`/AuditEvent/$verify?anchor=${before.size}:${before.root.toString('hex')}`);
    now = headOf(answer);
  }
  expect(codeOf(answer)).toBe('sound');
  const path = pathOf(part(answer.parameter, 'consistency'));
  expect(isConsistent({ oldSize: before.size, oldRoot: before.root, ...now, path })).toBe(true);
  const other = await verified(`/AuditEvent/$verify?anchor=${before.size}:${'0'.repeat(64)}`);
  expect(part(other.parameter, 'difference')?.valueString).toMatch(/^rewritten: The anchor given has another root/);
  const ahead = await verified(`/AuditEvent/$verify?anchor=100000:${'0'.repeat(64)}`);
  expect(part(ahead.parameter, 'difference')?.valueString).toMatch(/^behind-anchor: /);
});

test('rows are checked a part at a time, and the answer says where to go on', async () => {
  const answer = await verified('/AuditEvent/$verify?from=0&count=2');
  const checked = part(answer.parameter, 'checked')?.part;
  expect([part(checked, 'from')?.valueDecimal, part(checked, 'to')?.valueDecimal]).toEqual([0, 2]);
  expect(part(answer.parameter, 'next')?.valueDecimal).toBe(2);
});

test("another clinic's events are as if they never were", async () => {
  const [own, other] = await Promise.all(
    [server.b, server.a].map((tenant) =>
      tenant.request('GET', `/AuditEvent/$verify?event=${tenant === server.b ? eventId : 'nowhere'}`),
    ),
  );
  expect([own?.status, other?.status]).toEqual([404, 404]);
  expect((await server.b.request('GET', `/AuditEvent/${eventId}/$verify`)).status).toBe(404);
});

test('who may not read AuditEvents verifies none', async () => {
  const response = await fetch(`${server.origin}/t/${server.a.name}/token`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`${server.a.clientId}:${server.a.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/Patient.rs' }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  const { status } = await server.a.request('GET', '/AuditEvent/$verify', undefined, {
    Authorization: `Bearer ${token}`,
  });
  expect(status).toBe(403);
});

test.each(['count=0', 'count=100001', 'anchor=yesterday', 'anchor=1:00', 'from=1000000'])(
  '%s is refused',
  async (query) => {
    expect((await server.a.request('GET', `/AuditEvent/$verify?${query}`)).status).toBe(400);
  },
);

test('how far the sealer is behind is among the figures', async () => {
  const headers = { Authorization: `Bearer ${rolePassword(testRootKey, 'metrics')}` };
  const text = await (await fetch(`${server.origin}/metrics`, { headers })).text();
  expect(text).toMatch(/^hpms_audit_seal_lag_seconds \d/m);
  expect(text).toMatch(/^hpms_audit_anchor_lag_seconds 0$/m);
});

describe('what was changed', () => {
  const change = (set: string) =>
    withClient(server.database.url, async (client) => {
      await client.query('SET session_replication_role = replica');
      await client.query(`UPDATE store.audit_event SET ${set} WHERE id = $1`, [eventId]);
    });
  const tokens = (tenant = server.a) => verifyTokens(server.app.repository, tenant.id, () => undefined);

  test('of search tokens is found by making them again', async () => {
    expect(await tokens()).toBeGreaterThan(0);
    await change('tokens = tokens[2:]');
    await expect(tokens()).rejects.toThrow(`tokens: AuditEvent/${eventId} of `);
    expect(codeOf(await verified(`/AuditEvent/${eventId}/$verify`))).toBe('sound');
    // Its AuditEvent is part of the change's own transaction.
    await server.b.request('POST', '/Patient', { resourceType: 'Patient' });
    expect(await tokens(server.b)).toBeGreaterThan(0);
  });

  test('of a row is named, and does not open', async () => {
    await change('content = sha256(content) || sha256(content)');
    for (const path of [`/AuditEvent/${eventId}/$verify`, '/AuditEvent/$verify?from=0']) {
      const answer = await verified(path);
      expect(codeOf(answer)).toBe('different');
      expect(part(answer.parameter, 'difference')?.valueString).toMatch(`edited: AuditEvent/${eventId} of `);
    }
    await expect(tokens()).rejects.toThrow(`forged: AuditEvent/${eventId} of `);
    await change("content = '\\x00'");
    await expect(tokens()).rejects.toThrow('forged: ');
  });
});
