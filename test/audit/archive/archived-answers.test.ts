// `npm run archive` beside a running server, and what it answers of what is archived: domain.md S4-K3c, S4-C05 (issue 8, Archiving)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readArguments } from '../../../src/commands/archive-arguments.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { type ArchiveServer, startArchiveServer } from './archive-server.ts';
import { month } from './archive-world.ts';

let server: ArchiveServer;
const versions = '/Patient/p/_history';
beforeAll(async () => {
  server = await startArchiveServer();
});
afterAll(() => server.close());

const issuesOf = (bundle: { entry?: { search?: { mode: string }; resource: { issue?: object[] } }[] }) =>
  (bundle.entry ?? []).filter(({ search }) => search?.mode === 'outcome').flatMap(({ resource }) => resource.issue);
const archivedIssue = {
  severity: 'warning',
  diagnostics: expect.stringContaining(`archived and not in this answer: ${month}`),
};
const eventsOf = async (search: string) => (await server.a.request('GET', `/AuditEvent?${search}`)).json;

test('a folder that cannot be one is said in a line, and nothing leaves', async () => {
  const { code, stdout, stderr } = await server.archive('--before', '2026-04', '--to', '/dev/null');
  expect([code, stdout, stderr]).toEqual([1, '', 'Files cannot be kept in /dev/null: EEXIST.\n']);
});

test('a month goes while the server runs, and is told to its tenants alone', async () => {
  const { code, stdout, stderr } = await server.archive('--before', '2026-04', '--to', server.folder);
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toMatch(new RegExp(`^audit_event ${month}: 3 rows in ${server.folder}/audit_event-`, 'm'));
  expect(stdout).toMatch(new RegExp(`^history ${month}: 3 rows in `, 'm'));
  const acts = async (tenant: 'a' | 'b') => {
    const { json } = await server[tenant].request('GET', '/AuditEvent?subtype=archiveMonth');
    return json.entry?.filter(({ search }: { search: { mode: string } }) => search.mode === 'match').length ?? 0;
  };
  expect([await acts('a'), await acts('b')]).toEqual([2, 0]);
});

describe('who asks for what is archived is told so', () => {
  test('by 404 for a version, which is not one that never was: https://hl7.org/fhir/R4/http.html#vread', async () => {
    const { status, json } = await server.a.request('GET', `${versions}/2`);
    expect([status, json.issue[0].diagnostics]).toEqual([404, expect.stringContaining(`archived months (${month})`)]);
    expect((await server.a.request('GET', `${versions}/4`)).status).toBe(200);
    for (const [tenant, version] of [
      [server.a, 5],
      [server.b, 2],
    ] as const) {
      const never = await tenant.request('GET', `${versions}/${version}`);
      expect([never.status, never.text]).toEqual([404, expect.not.stringContaining('archived')]);
    }
  });

  test('in the history of the resource, whose Bundle stays valid', async () => {
    const { json } = await server.a.request('GET', versions);
    expect(json.entry).toHaveLength(1);
    expect(json.entry[0].response.outcome.issue).toEqual([expect.objectContaining(archivedIssue)]);
    const { json: checked } = await server.a.request('POST', '/Bundle/$validate', json);
    expect(checked.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
    const since = await server.a.request('GET', `${versions}?_since=2026-05-01T00:00:00Z`);
    expect(since.json.entry[0].response.outcome).toBeUndefined();
    expect((await server.b.request('GET', versions)).text).not.toContain('archived');
  });

  test('by 404 for an AuditEvent and for its history', async () => {
    const id = newId(Date.parse(`${month}-15T12:00:00Z`));
    for (const path of [`/AuditEvent/${id}`, `/AuditEvent/${id}/_history`, `/AuditEvent/${id}/_history/1`]) {
      const { status, json } = await server.a.request('GET', path);
      expect([status, json.issue[0].diagnostics]).toEqual([404, expect.stringContaining(`of ${month} are archived`)]);
      expect((await server.b.request('GET', path)).text).not.toContain('archived');
    }
  });

  test('by a warning in searches of AuditEvents that reach into the month, also those without a date', async () => {
    for (const search of ['', 'date=lt2026-04', 'date=ge2026-03-31&date=lt2026-06', `date=${month}`, 'action=U']) {
      expect(issuesOf(await eventsOf(search))).toEqual([expect.objectContaining(archivedIssue)]);
    }
    for (const search of ['date=ge2026-04-01', 'date=gt2026-03', 'date=2026-02', 'date=lt2026-03-01'])
      expect(issuesOf(await eventsOf(search))).toEqual([]);
    expect((await server.b.request('GET', '/AuditEvent')).text).not.toContain('archived');
  });
});

test('it comes back: all answers are what they were', async () => {
  const { stdout, stderr } = await server.archive('--restore', month, '--from', server.folder);
  expect([stderr, stdout.match(/: 3 rows are back\.$/gm)?.length]).toEqual(['', 2]);
  expect((await server.a.request('GET', `${versions}/2`)).json).toMatchObject({ gender: 'female' });
  const history = await server.a.request('GET', versions);
  expect([history.json.entry.length, history.text]).toEqual([4, expect.not.stringContaining('archived')]);
  const events = await eventsOf(`date=${month}`);
  expect([events.entry.length, issuesOf(events)]).toEqual([3, []]);
});

describe('arguments', () => {
  const now = new Date('2026-11-20');
  test('keep so many months before this one, or name the first that stays', () => {
    const tables = ['audit_event', 'history'];
    const made = { kind: 'archive', before: '2025-11', folder: 'x', tables };
    expect(readArguments(['--keep', '12', '--to', 'x'], now)).toEqual(made);
    expect(readArguments(['--before', '2025-11', '--to', 'x'], now)).toEqual(made);
    expect(readArguments(['--restore', '2025-10', '--from', 'x', '--table', 'history'], now)).toMatchObject({
      ...{ kind: 'restore', tables: ['history'] },
    });
  });

  test.each([
    '',
    '--before 2025-11',
    '--before 2025-13 --to x',
    '--before 2026-12 --to x',
    '--before 2025-11 --keep 3 --to x',
    '--keep 1 --to x --table ledger_entry',
    '--restore 2025-11',
    '--list --hold x',
    '--hold x --release x',
    '--check',
  ])('%j is answered with what there is', (text) => {
    expect(() => readArguments(text.split(' ').filter(Boolean), now)).toThrow('Use: npm run archive');
  });
});
