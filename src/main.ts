// Starts HPMS: `node src/main.ts` does everything, `api` and `worker` one half each; SIGINT and SIGTERM end it in good order.

import { openSync } from 'node:fs';
import path from 'node:path';
import { type Logger, pino } from 'pino';
import { type App, startApp } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded.ts';
import { migrate } from './database/migrate.ts';
import { rolePassword } from './database/role-password.ts';
import { furnishDemo } from './demo-tenant.ts';
import { explain } from './explain.ts';
import { createLogWriter } from './log-writer.ts';
import { ensureSystemTenant } from './tenants/system-tenant.ts';
import { loadCoreTerminology } from './terminology/core-terminology.ts';
import { welcome } from './welcome.ts';

const parts = { all: { api: true, jobs: true }, api: { api: true, jobs: false }, worker: { api: false, jobs: true } };

try {
  await run(process.argv[2] ?? 'all');
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

async function run(part: string): Promise<void> {
  if (!isPart(part)) throw new ConfigError(`There is no part ${JSON.stringify(part)}; allowed is api, worker or none.`);
  const startedAt = performance.now();
  const config = readConfig(process.env);
  const logFile = process.stdout.isTTY ? path.join(config.dataDir, 'hpms.log') : undefined;
  const log = openLog(config, logFile);
  const fatal = Promise.withResolvers<never>();
  const asked = Promise.race([stopAsked(), fatal.promise]);
  asked.catch(() => undefined);
  const embedded = config.database.url === undefined ? await openEmbedded(config, log) : undefined;
  let app: App | undefined;
  try {
    const databaseUrl = config.database.url ?? (embedded as EmbeddedPostgres).url;
    app = await startApp({ config, databaseUrl, does: parts[part], log, onFatal: fatal.reject });
    await ensureSystemTenant(app.doors);
    const facts = embedded ? await furnishDemo(config, app) : undefined;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    if (facts) console.log(welcome(facts, seconds, logFile));
    log.info({ part, port: app.port, seconds: Number(seconds) }, 'ready');
    await asked;
    log.info('stopping');
    await app.retire();
  } finally {
    await app?.close();
    await embedded?.stop();
  }
  log.info('stopped');
}

/** JSON lines for programs go to a file when somebody looks at the screen, and to the screen's place otherwise. */
function openLog(config: Config, file: string | undefined): Logger {
  const options = { level: config.log.level, base: { pid: process.pid } };
  // Who has asked whether it is a screen has made a pipe one that does not block.
  const place = file === undefined ? 1 : openSync(file, 'a', 0o600);
  const writer = createLogWriter(place, (lines) =>
    log.warn({ lines }, 'Log lines were lost: their place took no more.'),
  );
  process.on('exit', writer.finish);
  const log = pino(options, writer);
  return log;
}

function isPart(part: string): part is keyof typeof parts {
  return Object.hasOwn(parts, part);
}

/** Resolves at the first SIGINT or SIGTERM; a second one does not wait for anything. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve();
      });
    }
  });
}

async function openEmbedded(config: Config, log: Logger): Promise<EmbeddedPostgres> {
  const { rootKey } = config.crypto;
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    password: rolePassword(rootKey, 'postgres'),
    log: (line) => log.info({ postgres: line }, 'embedded PostgreSQL'),
  });
  try {
    await migrate({ databaseUrl: embedded.url, rootKey, log: (line) => log.info(line) });
    await loadCoreTerminology(embedded.url, (line) => log.info(line));
    return embedded;
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}
