// A process that owns an embedded PostgreSQL, for tests that kill it: prints url and pid, then lives until its input ends.

import { startEmbeddedPostgres } from '../../src/database/embedded.ts';

const postgres = await startEmbeddedPostgres({
  dataDir: process.argv[2] ?? '',
  password: 'test',
  log: (line) => console.error(line),
});
console.log(JSON.stringify({ url: postgres.url, pid: postgres.pid }));
process.stdin.resume().once('end', () => process.exit(0));
