// What is read is on record or is not answered, and what is on record becomes AuditEvents, whoever dies between: security.md 1.8, fault 36.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverCaller } from '../../../src/access/caller.ts';
import { type AccessBlock, openBlock } from '../../../src/audit/trail/access-block.ts';
import { expandBlocks } from '../../../src/audit/trail/expand-blocks.ts';
import { startAccessSweep } from '../../../src/audit/trail/sweep-blocks.ts';
import { inSession } from '../../../src/repository/session.ts';
import { runSql, until } from '../../jobs/job-bed.ts';
import { blocksForWorkers, blocksOnly } from '../../support/blocks-only.ts';
import { buildPatient } from '../../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { allEvents, gist, patientsOf, requestIdOf, type Sent, send } from './events.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const sql = <Row>(of: TestServer, text: string) => runSql<Row>(of.database.url, text);

describe('while the record cannot be written', () => {
  test('nothing is answered, refusals neither, and everything is again afterwards', async () => {
    const { a, b } = server;
    const path = `/Patient/${(await a.request('POST', '/Patient', buildPatient())).json.id}`;
    await sql(server, 'REVOKE INSERT ON tenant.access_block FROM hpms_app');
    const batch = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request: { method: 'GET', url: path.slice(1) } }],
    };
    const during = [
      await a.request('GET', path),
      await a.request('GET', `${path}?_format=xml`),
      await a.request('GET', '/Patient?_summary=count'),
      await a.request('GET', `${path}/_history`),
      await a.request('GET', `${path}/$meta`),
      await a.request('POST', '', batch),
      await a.request('GET', path, undefined, { Authorization: 'Bearer a.b.c' }),
      await b.request('GET', path),
    ];
    // What needs no record, and changes, which have theirs in their own transaction.
    const metadata = await a.request('GET', '/metadata');
    const created = await a.request('POST', '/Patient', buildPatient());
    await sql(server, 'GRANT INSERT ON tenant.access_block TO hpms_app');
    expect(during.map(({ status }) => status)).toEqual(during.map(() => 503));
    expect(during.map(({ headers }) => headers.get('Retry-After'))).toEqual(during.map(() => '2'));
    expect(during.flatMap(({ headers }) => headers.get('ETag') ?? headers.get('Last-Modified') ?? [])).toEqual([]);
    expect(
      during.filter(({ text }) => /<Patient|"resourceType":"(?!OperationOutcome)|access_block/.test(text)),
    ).toEqual([]);
    expect([metadata.status, created.status]).toEqual([200, 201]);
    const after = await send(a, 'GET', path);
    expect(after.answer.status).toBe(200);
    expect((await allEvents(a)).get(after.requestId)?.map(gist)).toEqual(['read R 0']);
  });

  test('a change that needs one beside its own is rolled back with it', async () => {
    const { a } = server;
    const path = `/Patient/${(await a.request('POST', '/Patient', buildPatient())).json.id}`;
    const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };
    await sql(server, 'REVOKE INSERT ON tenant.access_block FROM hpms_app');
    const refused = await a.request('POST', `${path}/$meta-add`, meta);
    await sql(server, 'GRANT INSERT ON tenant.access_block TO hpms_app');
    expect(refused.status).toBe(503);
    expect((await a.request('GET', path)).json.meta.versionId).toBe('1');
  });
});

/** Nobody else makes AuditEvents of what was noted. */
const storing = 'FUNCTION tenant.store_access_events';

describe('when AuditEvents cannot be made', () => {
  test('what is on record waits for them', async () => {
    const { a } = server;
    await sql(server, `REVOKE EXECUTE ON ${storing} FROM hpms_app`);
    const { answer, requestId } = await send(a, 'GET', '/Patient/nobody');
    const said = () => server.logLines.some((line) => line.includes('did not become AuditEvents'));
    await until(said);
    await sql(server, `GRANT EXECUTE ON ${storing} TO hpms_app`);
    expect(answer.status).toBe(404);
    const [left] = await sql<{ count: number }>(server, 'SELECT count(*)::int FROM store.access_block');
    expect(left?.count).toBeGreaterThan(0);
    await sweepAll(server);
    expect((await allEvents(a)).get(requestId)?.map(gist)).toEqual(['read R 4']);
  });
});

describe('of a process that dies before it has made them', () => {
  let dying: TestServer;
  beforeAll(async () => {
    dying = await startTestServer({ openTrail: blocksOnly, does: { api: true, jobs: false } });
  });
  afterAll(() => dying.close());

  test('others make each AuditEvent once, of every tenant, and the blocks go', async () => {
    const sent: Sent[] = [];
    for (const tenant of [dying.a, dying.b]) {
      const { id } = (await tenant.request('POST', '/Patient', buildPatient())).json;
      sent.push(await send(tenant, 'GET', `/Patient/${id}`), await send(tenant, 'GET', '/Patient/nobody'));
      expect(
        (await eventsOf(tenant)).filter(({ requestId }) => sent.some((one) => one.requestId === requestId)),
      ).toEqual([]);
    }
    // Two at once, as with two workers.
    await Promise.all([sweepAll(dying), sweepAll(dying)]);
    expect(await sql(dying, 'SELECT id FROM store.access_block')).toEqual([]);
    const found = [...(await eventsOf(dying.a)), ...(await eventsOf(dying.b))];
    expect(
      sent.map(({ requestId }) => found.filter((one) => one.requestId === requestId).map((one) => one.gist)),
    ).toEqual([['read R 0'], ['read R 4'], ['read R 0'], ['read R 4']]);
  });

  test('of blocks of which others have finished one, that one is not stored again, and the rest is', async () => {
    const { a, app } = dying;
    const sent = [await send(a, 'GET', '/Patient/nobody'), await send(a, 'GET', '/Patient/nobody')];
    const expand = (pick: (blocks: readonly AccessBlock[]) => readonly AccessBlock[]) =>
      inSession(app.repository, serverCaller(a.id, 'test'), (session) => expandBlocks(session, pick(blocks)));
    const blocks = await inSession(app.repository, serverCaller(a.id, 'test'), async ({ trx, cipher }) => {
      const text = 'SELECT id, content FROM access_block ORDER BY id';
      return (await trx.query<{ id: string; content: Buffer }>({ text })).map((row) => openBlock(cipher, row));
    });
    expect(blocks.length).toBeGreaterThan(1);
    await expand((all) => all.slice(0, 1));
    await expand((all) => all);
    expect(await sql(dying, `SELECT FROM store.access_block WHERE tenant_id = ${a.id}`)).toEqual([]);
    const found = await eventsOf(a);
    expect(sent.map(({ requestId }) => found.filter((one) => one.requestId === requestId).length)).toEqual([1, 1]);
  });

  test('a tenant whose turn has failed soon has another: PostgreSQL may only have been away (fault 5)', async () => {
    const { a, app } = dying;
    const { requestId } = await send(a, 'GET', '/Patient/nobody');
    await sql(dying, `REVOKE EXECUTE ON ${storing} FROM hpms_app`);
    const errors: unknown[] = [];
    const { repository, doors } = app;
    const onError = (error: unknown) => void errors.push(error);
    const sweep = startAccessSweep({ systemDoor: doors.systemDoor, repository, onError, everyMs: 20, ageMs: -1_000 });
    await until(() => errors.length > 0);
    await sql(dying, `GRANT EXECUTE ON ${storing} TO hpms_app`);
    await until(async () => (await sql(dying, 'SELECT FROM store.access_block LIMIT 1')).length === 0);
    await sweep.close();
    const mine = (await eventsOf(a)).filter((one) => one.requestId === requestId);
    expect(mine.map((one) => one.gist)).toEqual(['read R 4']);
  });

  test('a block stays as long as one of its AuditEvents is missing, and nobody may change or remove it', async () => {
    const { a } = dying;
    await a.request('GET', '/Patient/nobody');
    const blocks = () => sql<{ id: string }>(dying, `SELECT id FROM store.access_block WHERE tenant_id = ${a.id}`);
    const [block] = await blocks();
    const { tenantDoor } = dying.app.doors;
    const text = "SELECT tenant.store_access_events($1, '{}', '{}', '{}', '{}', $2)";
    const withoutEvents = tenantDoor(a.id, (trx) => trx.query({ text, values: [[block?.id], 0] }));
    await expect(withoutEvents).rejects.toThrow('Of 1 noted AuditEvents 0 are given');
    expect(await blocks()).toContainEqual(block);
    for (const text of ['DELETE FROM access_block', "UPDATE access_block SET ids = '{}'"]) {
      await expect(tenantDoor(a.id, (trx) => trx.query({ text }))).rejects.toThrow('permission denied');
    }
    await expect(sql(dying, "UPDATE store.access_block SET ids = '{}'")).rejects.toThrow();
    await expect(sql(dying, 'TRUNCATE store.access_block')).rejects.toThrow();
  });

  test('the stored facts cannot be read without the key', async () => {
    await dying.a.request('GET', '/Patient?name=Unverwechselbar');
    const rows = await sql<{ content: Buffer }>(dying, 'SELECT content FROM store.access_block');
    expect(rows.length).toBeGreaterThan(0);
    expect(Buffer.concat(rows.map(({ content }) => content)).includes('Unverwechselbar')).toBe(false);
  });
});

describe('of a process that only answers', () => {
  const does = { api: true, jobs: false };
  const blocksOf = (one: TestServer) =>
    sql<{ for_workers: boolean }>(one, 'SELECT DISTINCT for_workers FROM store.access_block');

  test('workers make them at once, each once', async () => {
    const answering = await startTestServer({ openTrail: blocksForWorkers, does });
    const { a, b } = answering;
    const sent = await Promise.all([a, b, a].map((tenant) => send(tenant, 'GET', '/Patient/nobody')));
    expect(await blocksOf(answering)).toEqual([{ for_workers: true }]);
    await Promise.all([sweepAll(answering, 5_000), sweepAll(answering, 5_000)]);
    expect(await blocksOf(answering)).toEqual([]);
    const found = [...(await eventsOf(a)), ...(await eventsOf(b))];
    expect(sent.map(({ requestId }) => found.filter((one) => one.requestId === requestId).length)).toEqual([1, 1, 1]);
    await answering.close();
  });

  test('it makes them itself where no worker does', async () => {
    const answering = await startTestServer({ does });
    const { requestId } = await send(answering.a, 'GET', '/Patient/nobody');
    await until(async () => (await blocksOf(answering)).length === 0);
    const mine = (await eventsOf(answering.a)).filter((one) => one.requestId === requestId);
    expect(mine.map((one) => one.gist)).toEqual(['read R 4']);
    await answering.close();
  });

  test('workers leave what another kind of process makes itself for five seconds', async () => {
    const both = await startTestServer({ openTrail: blocksOnly, does });
    await send(both.a, 'GET', '/Patient/nobody');
    await sweepAll(both, 5_000);
    expect(await sql(both, 'SELECT FROM store.access_block')).not.toEqual([]);
    await sweepAll(both);
    expect(await sql(both, 'SELECT FROM store.access_block')).toEqual([]);
    await both.close();
  });
});

async function eventsOf(tenant: TestTenant) {
  const { json } = await tenant.request('GET', '/AuditEvent?_count=1000');
  return (json.entry ?? []).map(({ resource }: { resource: Parameters<typeof gist>[0] }) => ({
    requestId: requestIdOf(resource),
    gist: gist(resource),
    patients: patientsOf(resource),
  })) as { requestId: string; gist: string; patients: string[] }[];
}

/** As a worker does, without waiting for the blocks to be old. */
async function sweepAll({ app }: TestServer, ageMs = -1_000): Promise<void> {
  const errors: unknown[] = [];
  const { repository, doors } = app;
  const onError = (error: unknown) => void errors.push(error);
  const sweep = startAccessSweep({ systemDoor: doors.systemDoor, repository, onError, ageMs });
  await sweep.close();
  expect(errors).toEqual([]);
}
