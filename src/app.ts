// The composition root: the rooms' parts are made here and handed to each other; no other file knows them all.

import type { Logger } from 'pino';
import { startSealer } from './audit/seal/sealer.ts';
import { createAccessTrail } from './audit/trail/access-trail.ts';
import { startAccessSweep } from './audit/trail/sweep-blocks.ts';
import { anchorPlaceOf, type Config } from './config.ts';
import { tenantOfNotice } from './crypto/key-notice.ts';
import { listen as listenToDatabase } from './database/listen.ts';
import { connectionSettings } from './database/pool.ts';
import { rolePassword } from './database/role-password.ts';
import { checkDatabase } from './database/self-check.ts';
import { type Doors, openDoors } from './doors.ts';
import { FhirError } from './fhir/outcome.ts';
import { openAnchor } from './gateways/open-anchor.ts';
import { openMail } from './gateways/open-mail.ts';
import { createOutboundFetch } from './gateways/outbound-fetch.ts';
import { createAnswerBackground } from './http/async/answer.ts';
import { createAsyncJob } from './http/async/job.ts';
import { findFhirRoute } from './http/fhir-routes.ts';
import { readinessChecks } from './http/health.ts';
import type { SystemOptions } from './http/interaction.ts';
import { createJobMetrics } from './http/job-metrics.ts';
import { listen } from './http/listen.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { createServer } from './http/server.ts';
import { createTurnedAway } from './http/turned-away.ts';
import { foldCounts } from './jobs/fold-counts.ts';
import { keepPartitions, startMaintenance, sweepKeptAnswers } from './jobs/maintenance.ts';
import { errorFields, type Reached } from './jobs/observe.ts';
import { createQueues } from './jobs/queue.ts';
import { startJobs } from './jobs/start.ts';
import { type JobTiming, usualTiming } from './jobs/timing.ts';
import { objectStoreOf, openRepository } from './open-repository.ts';
import { openRoots } from './open-roots.ts';
import type { Operation } from './operations/operation.ts';
import { accountAuditModule } from './people/account-audit.ts';
import { bindJobs } from './repository/jobs.ts';
import type { Module } from './repository/module.ts';
import { indexedTypes } from './repository/reindex/indexed-types.ts';
import { createReindexModule } from './repository/reindex/module.ts';
import { createReindexSweep } from './repository/reindex/sweep.ts';
import type { Repository } from './repository/session.ts';
import { createObjectSweep } from './repository/sweep-objects.ts';
import { houseDefinitions } from './search/own/house-definitions.ts';
import { createLinkJobs } from './smart/account/link-jobs.ts';
import { createSmart } from './smart/smart.ts';
import { sweepExpired } from './smart/sweep-expired.ts';
import { SignInFailed } from './smart/upstream/sign-in.ts';
import { createForgetShredded } from './tenants/forget-shredded.ts';
import { createTenantRegistry } from './tenants/registry.ts';
import { withinRealm } from './tenants/system-realm.ts';

export interface AppOptions {
  readonly config: Config;
  /** Of the configuration, or of the embedded server. */
  readonly databaseUrl: string;
  /** What this process does. */
  readonly does: { readonly api: boolean; readonly jobs: boolean };
  readonly log: Logger;
  /** Told when the process cannot do its work and never will as it is. */
  readonly onFatal: (error: unknown) => void;
  /** For tests: other times, and points at which they end the process. */
  readonly timing?: JobTiming;
  readonly reached?: Reached;
  readonly now?: () => Date;
  /** For the bench, which measures what the trail costs. */
  readonly openTrail?: typeof createAccessTrail;
}

export interface App {
  readonly port: number;
  readonly doors: Doors;
  readonly repository: Repository;
  /** Not ready any more, and for a moment still answering, so that whoever sends requests here can go elsewhere unharmed. */
  retire(): Promise<void>;
  /** Takes no more requests and jobs, finishes those under way, and lets go of everything. */
  close(): Promise<void>;
}

/** Requests and jobs under way get 25 s in all to finish: security.md, fault 26. */
const lingerMs = 1_000;
const drainTimeoutMs = 24_000;
const workerConcurrency = 4;
/** 64 MB of a bundle: security.md, decisions, attack 87. */
export const bodyBytesMax = 64_000_000;

/** Rejects when the database is not as the migrations made it, or the port is taken. */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, databaseUrl, log, does, openTrail = createAccessTrail } = options;
  const { rootKey, root } = config.crypto;
  const onIdleError = (error: Error) => log.warn(errorFields(error), 'An idle database connection was lost.');
  const onKeyError = (error: unknown) => log.error(errorFields(error), "A tenant's keys were not confirmed.");
  await using opened = new AsyncDisposableStack();
  let forgetAccess: () => void = () => undefined;
  const onAccessChange = () => forgetAccess();
  const doors = openDoors({ databaseUrl, rootKey, root, onIdleError, onKeyError, onAccessChange });
  opened.defer(doors.close);
  const missingWalls = await requireSoundDatabase(doors, log);
  const metrics = createMetrics();
  measurePool(metrics, doors);
  const { repository, operations, modules, forget } = openRepository({
    ...{ config, doors, now: options.now },
    onDamage: (tenantId, error) => log.error({ tenantId, ...errorFields(error) }, 'A stored row does not open.'),
  });
  const access = openAccess(options, doors, forget);
  forgetAccess = access.forget;
  opened.defer(access.close);
  const trail = openTrail({
    ...{ repository, pool: doors.trailPool, leavesToWorkers: !does.jobs },
    onError: untold(log),
  });
  opened.defer(trail.close);
  const turnedAway = createTurnedAway({ trail, tenants: access.tenants, now: repository.now });
  opened.defer(turnedAway.close);
  const state = { draining: false };
  const server = createServer({
    log,
    metrics: metrics.http,
    health: {
      checks: readinessChecks({ systemDoor: doors.systemDoor, missingWalls, isDraining: () => state.draining }),
      registry: metrics.registry,
      metricsToken: rolePassword(rootKey, 'metrics'),
    },
    ...(does.api
      ? {
          api: { ...access.api, repository, trail, turnedAway, operations, systemDoor: doors.systemDoor, bodyBytesMax },
        }
      : {}),
  });
  const { port, tls } = config.http;
  const onError = (error: unknown) => log.error(errorFields(error), 'The renewed certificate cannot be used.');
  const http = await listen(server.callback(), port, tls && { ...tls, onError });
  const background = asyncModule({ repository, trail, onFailure: access.api.onFailure }, operations);
  const working = { repository, modules: [...modules, background] };
  const jobs = does.jobs ? openJobs(options, doors, working, metrics) : undefined;
  // From here on whoever holds the app closes it.
  const everything = opened.move();
  return {
    port: http.port,
    doors,
    repository,
    retire() {
      state.draining = true;
      return http.retire(lingerMs);
    },
    async close() {
      state.draining = true;
      await Promise.all([http.close(drainTimeoutMs), jobs?.close()]);
      await everything.disposeAsync();
    },
  };
}

async function requireSoundDatabase(doors: Doors, log: Logger): Promise<readonly string[]> {
  const { refusals, missingWalls } = await checkDatabase(doors.tenantDoor, doors.systemDoor);
  if (refusals.length > 0) throw new Error(`The database is not safe to use: ${refusals.join('; ')}.`);
  for (const wall of missingWalls) log.warn({ wall }, 'A wall between tenants is missing.');
  return missingWalls;
}

/** Who may come in; that and `forgetMore` is forgotten when this process or, by the database, another one has changed it. */
function openAccess({ config, databaseUrl, log }: AppOptions, doors: Doors, forgetMore: () => void) {
  const registry = createTenantRegistry(doors.systemDoor);
  const onError = (error: unknown) => {
    if (!(error instanceof SignInFailed)) return log.error(errorFields(error), 'The authorization server failed.');
    log.warn(errorFields(error), 'An identity provider did not sign a person in.');
  };
  const { resourceTypes } = houseDefinitions();
  const { publicUrl } = config.http;
  const fetchOutbound = createOutboundFetch({ allowedHosts: new Set(config.outbound.allowedHosts) });
  const smart = createSmart({ ...doors, publicUrl, resourceTypes, onError, fetchOutbound });
  const forget = () => {
    registry.forget();
    forgetMore();
    smart.forget();
  };
  const forgetShredded = createForgetShredded({
    ...doors,
    onError: (error) => log.error(errorFields(error), 'The keys of shredded tenants may still be in memory.'),
  });
  const listener = listenToDatabase({
    connection: connectionSettings({ databaseUrl, rootKey: config.crypto.rootKey, role: 'hpms_system' }),
    channel: 'hpms_access',
    onNotice(payload) {
      const tenantId = tenantOfNotice(payload);
      if (tenantId !== undefined) doors.keyRing.outdate(tenantId);
      forget();
      forgetShredded();
    },
    onAway: (error) => log.warn(errorFields(error), 'Changes of access are not heard and take up to a second.'),
  });
  return {
    api: {
      admit: {
        publicUrl,
        findTenant: registry.find,
        isSuspended: registry.isSuspended,
        authenticate: withinRealm(smart.authenticate),
      },
      smart,
      onFailure: (error: unknown) => log.error(errorFields(error), 'A batch entry failed.'),
    },
    tenants: registry,
    forget,
    close: () => listener.close(),
  };
}

/** Requests of the background are jobs like those of the workflows. */
function asyncModule(options: SystemOptions, operations: readonly Operation[]): Module {
  const answer = createAnswerBackground(options, findFhirRoute(options.repository.definitions, operations));
  return { name: 'async', jobs: [createAsyncJob(answer)] };
}

interface JobParts {
  readonly repository: Repository;
  readonly modules: readonly Module[];
}

function openJobs(options: AppOptions, doors: Doors, { repository, modules }: JobParts, metrics: Metrics) {
  const { config, databaseUrl, log, timing = usualTiming, reached } = options;
  const { rootKey } = config.crypto;
  const { redisUrl } = config.jobs;
  const listenConnection = connectionSettings({ databaseUrl, rootKey, role: 'hpms_system' });
  const sweepReindex = createReindexSweep({
    ...{ ...doors, types: indexedTypes(repository.definitions) },
    onEarlier: () =>
      log.info('Processes of an earlier version are connected: what they write is indexed again once they are gone.'),
  });
  // The next tenant may have its turn.
  const reindexModule = createReindexModule(() => {
    sweepReindex().catch((error: unknown) =>
      log.warn(errorFields(error), 'No run was asked for; the next sweep does.'),
    );
  });
  const mail = openMail(config.mail, log);
  const linkJobs = createLinkJobs({ ...doors, mail, publicUrl: config.http.publicUrl });
  const handlers = [...bindJobs(repository, [...modules, reindexModule, accountAuditModule]), ...linkJobs];
  const jobs = startJobs({
    queues: createQueues(redisUrl === undefined ? { databaseUrl, rootKey } : { redisUrl }, timing, log),
    relay: { systemDoor: doors.systemDoor, listenConnection },
    worker: { tenantDoor: doors.tenantDoor, handlers, concurrency: workerConcurrency },
    timing,
    log,
    metrics: createJobMetrics(metrics),
    ...(reached ? { reached } : {}),
  });
  // Rejects for a queue that must not be used as it is; one that is away is waited for.
  jobs.ready.catch(options.onFatal);
  const { systemDoor } = doors;
  const maintenance = startMaintenance(
    [
      () => keepPartitions(systemDoor),
      () => sweepKeptAnswers(systemDoor),
      () => foldCounts(systemDoor),
      sweepReindex,
      () => sweepExpired(systemDoor),
      createObjectSweep({ systemDoor, objectStore: objectStoreOf(config), now: () => new Date() }),
    ],
    log,
  );
  const accessSweep = startAccessSweep({ systemDoor, repository, onError: untold(log) });
  const sealer = openSealer(options, doors, metrics);
  return {
    async close() {
      maintenance.close();
      await Promise.all([jobs.close(drainTimeoutMs), accessSweep.close(), sealer.close()]);
      mail.close();
    },
  };
}

/** A database that is away, or that has given the turn of a process that stood still to another one: idle_session_timeout. */
function isPassing(error: unknown): boolean {
  if (error instanceof FhirError) return error.status === 503;
  return (error as { readonly code?: unknown }).code === '57P05';
}

function openSealer({ config, log }: AppOptions, doors: Doors, metrics: Metrics) {
  const sealer = startSealer({
    ...doors,
    roots: openRoots(config.crypto.root),
    anchors: openAnchor(anchorPlaceOf(config)),
    // A database that is away for a moment is told of by everybody.
    onError: (error, what) => log[isPassing(error) ? 'warn' : 'error'](errorFields(error), what),
  });
  metrics.gauge(
    'hpms_audit_seal_lag_seconds',
    'Age of the oldest AuditEvent that was found and is not sealed.',
    () => sealer.lagMs() / 1_000,
  );
  metrics.gauge(
    'hpms_audit_anchor_lag_seconds',
    'For how long new heads could not be anchored.',
    () => sealer.anchorLagMs() / 1_000,
  );
  return sealer;
}

/** What was stored of accesses stays stored, and is made AuditEvents of later. */
function untold(log: Logger): (error: unknown) => void {
  return (error) => log.warn(errorFields(error), 'Accesses did not become AuditEvents and are tried again.');
}

function measurePool(metrics: Metrics, { tenantPool, tenantShare }: Doors): void {
  metrics.gauge('hpms_database_connections', 'Connections of the tenant door.', () => tenantPool.counts().total);
  const waiting = () => tenantPool.counts().waiting + tenantShare.waiting();
  metrics.gauge('hpms_database_waiting', 'Requests that wait for a connection.', waiting);
}
