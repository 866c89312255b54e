// The connections to PostgreSQL over TLS, by what the URL asks for: https://www.postgresql.org/docs/current/libpq-ssl.html

import { once } from 'node:events';
import { chownSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool } from '../../src/database/pool.ts';
import { endProcesses, startMain } from '../faults/processes.ts';
import { type Certificate, makeCertificate } from '../support/certificates.ts';
import {
  createTestDatabase,
  overTcp,
  type TestDatabase,
  testRootKey,
  testServer,
  withClient,
} from '../support/database.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis } from '../support/redis.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

// A server that was given to the run keeps its settings.
const describeOwn = process.env.TEST_DATABASE_URL ? describe.skip : describe;

describeOwn('a PostgreSQL with a certificate', () => {
  const folder = makeTemporaryFolder();
  const { serverUrl } = testServer();
  let database: TestDatabase;
  let certificate: Certificate;
  let other: Certificate;
  beforeAll(async () => {
    database = await createTestDatabase();
    certificate = await makeCertificate(folder);
    other = await makeCertificate(folder, 'other');
    await withClient(serverUrl, async (client) => {
      const { rows } = await client.query<{ directory: string }>(
        "SELECT current_setting('data_directory') AS directory",
      );
      const { uid, gid } = statSync(rows[0]?.directory ?? '');
      chownSync(certificate.keyFile, uid, gid);
      await client.query(`ALTER SYSTEM SET ssl_cert_file = '${certificate.certificateFile}'`);
      await client.query(`ALTER SYSTEM SET ssl_key_file = '${certificate.keyFile}'`);
      await client.query('ALTER SYSTEM SET ssl = on');
      await client.query('SELECT pg_reload_conf()');
    });
  });
  afterAll(async () => {
    await withClient(serverUrl, async (client) => {
      for (const setting of ['ssl', 'ssl_cert_file', 'ssl_key_file'])
        await client.query(`ALTER SYSTEM RESET ${setting}`);
      await client.query('SELECT pg_reload_conf()');
    });
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function tlsVersion(parameters: Record<string, string>): Promise<string | undefined> {
    const url = overTcp(database.url);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const pool = createPool({
      ...{ databaseUrl: url.href, role: 'hpms_app', rootKey: testRootKey, connectionsMax: 1, waitingMax: 1 },
      onIdleError: () => undefined,
    });
    try {
      const connection = await pool.acquire();
      let version: string | undefined;
      const statement = { text: 'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()' };
      const answered = (rows: unknown[]) => {
        version = (rows[0] as { version: string | null }).version ?? undefined;
      };
      await connection.send([{ statement, answered, failed: () => undefined }]);
      connection.release(true);
      return version;
    } finally {
      await pool.end();
    }
  }

  test('is asked for TLS where the URL says verify-full, and must be who the root says', async () => {
    const verified = { sslmode: 'verify-full', sslrootcert: certificate.certificateFile };
    expect(await tlsVersion(verified)).toBe('TLSv1.3');
    await expect(tlsVersion({ ...verified, sslrootcert: other.certificateFile })).rejects.toThrow();
    expect(await tlsVersion({})).toBeUndefined();
  });

  describeWith('redis', 'and a server whose every wire is TLS', (program) => {
    afterAll(endProcesses);

    test('answers that it is ready', async () => {
      const redis = await startRedis(program, certificate);
      const url = overTcp(database.url);
      url.searchParams.set('sslmode', 'verify-full');
      url.searchParams.set('sslrootcert', certificate.certificateFile);
      const { certificateFile, keyFile } = certificate;
      const env = {
        TLS_CERTIFICATE_FILE: certificateFile,
        TLS_KEY_FILE: keyFile,
        NODE_EXTRA_CA_CERTS: certificateFile,
      };
      const main = await startMain('all', {
        ...{ dataDir: folder, databaseUrl: url.href, redisUrl: redis.url },
        env: { ...env, PUBLIC_URL: 'https://localhost' },
      });
      const answer = await ask(main.origin.replace('http:', 'https:'), '/readyz', certificate.certificate);
      expect(answer).toBe(200);
      main.child.kill('SIGTERM');
      expect(await main.exited).toEqual({ code: 0, signal: null });
      await redis.stop();
    });
  });
});

async function ask(origin: string, path: string, ca: string): Promise<number | undefined> {
  const [response] = (await once(get(`${origin}${path}`, { ca, agent: false }), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
