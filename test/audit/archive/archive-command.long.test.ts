// What `npm run archive` says and how it ends: legal holds, files that are checked where they lie, the list (issue 8, Archiving)

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { type ArchiveServer, startArchiveServer } from './archive-server.ts';
import { month } from './archive-world.ts';

let server: ArchiveServer;
beforeAll(async () => {
  server = await startArchiveServer();
});
afterAll(() => server.close());

test('a hold is set and ended by the operator, and the tenant has an AuditEvent of it', async () => {
  expect((await server.archive('--hold', 'clinic-a')).stdout).toBe('clinic-a is now under legal hold.\n');
  expect((await server.archive('--before', '2026-04', '--to', server.folder)).stderr).toContain(
    'under legal hold: clinic-a.',
  );
  expect((await server.archive('--list')).stdout).toMatch(/^clinic-a is under legal hold since /m);
  expect((await server.archive('--release', 'clinic-a')).stdout).toBe('clinic-a is now not under legal hold.\n');
  for (const act of ['placeLegalHold', 'releaseLegalHold'])
    expect((await server.a.request('GET', `/AuditEvent?subtype=${act}`)).json.entry).toHaveLength(1);
});

test('what is archived is listed, and checked where it lies', async () => {
  await server.archive('--before', '2026-04', '--to', server.folder);
  const { stdout } = await server.archive('--list');
  const [, file = ''] = new RegExp(`^  history +${month} +3 +\\S+Z +\\S+@\\S+ +(history-\\S+)`, 'm').exec(stdout) ?? [];
  const checked = await server.archive('--check', '--from', server.folder);
  expect([checked.code, checked.stdout.match(/: as it was archived$/gm)?.length]).toEqual([0, 2]);
  writeFileSync(path.join(server.folder, file), 'another');
  const broken = await server.archive('--check', '--from', server.folder);
  expect([broken.code, broken.stdout]).toEqual([1, expect.stringContaining('is not as it was archived')]);
  expect((await server.archive('--check', '--from', makeTemporaryFolder())).code).toBe(1);
});
