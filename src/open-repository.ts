// What every process of ours writes and reads resources with, put together from the rooms: the servers' and the operator's commands'.

import path from 'node:path';
import { createArchivesReader } from './audit/archive/archived-months.ts';
import type { Config } from './config.ts';
import { rolePassword } from './database/role-password.ts';
import type { Doors } from './doors.ts';
import { createDirectoryObjectStore } from './gateways/directory-object-store.ts';
import type { ObjectStore } from './gateways/object-store.ts';
import { createBuiltIns } from './operations/built-ins.ts';
import type { Operation } from './operations/operation.ts';
import { serverOperations } from './operations/operations.ts';
import { peopleModule } from './people/module.ts';
import { createDenialsLoader } from './repository/consents/load-denials.ts';
import { consentsModule } from './repository/consents/module.ts';
import type { Module } from './repository/module.ts';
import { ownParametersModule } from './repository/own-parameters/module.ts';
import { createDefinitionsLoader } from './repository/own-parameters/tenant-definitions.ts';
import { profilesModule } from './repository/profiles/module.ts';
import { collectRules } from './repository/rules.ts';
import type { Policies, Repository } from './repository/session.ts';
import { createSubscriptionsModule } from './repository/subscriptions/module.ts';
import { terminologyModule } from './repository/terminology-module.ts';
import { sealedColumns } from './sealed-columns.ts';
import { createExtractor } from './search/extract.ts';
import { houseDefinitions } from './search/own/house-definitions.ts';
import { createBriefCache } from './tenants/brief-cache.ts';
import { createSettingsReader, type Settings, type SettingsReader } from './tenants/settings.ts';
import { findTenantById } from './tenants/tenant-by-id.ts';
import { createValidator } from './validation/validate.ts';
import { createWorkflows } from './workflows.ts';

export interface RepositoryOptions {
  readonly config: Config;
  readonly doors: Doors;
  readonly now?: (() => Date) | undefined;
  readonly onDamage?: Repository['onDamage'];
}

export interface OpenRepository {
  readonly repository: Repository;
  /** Of the server and of its workflows. */
  readonly operations: readonly Operation[];
  /** With jobs of their own, among others. */
  readonly modules: readonly Module[];
  readonly settings: SettingsReader;
  /** To be called on every notice of the channel `hpms_access`. */
  forget(): void;
}

const tenantsCachedMax = 10_000;

export function openRepository(options: RepositoryOptions): OpenRepository {
  const { config, doors, now = () => new Date(), onDamage } = options;
  const { tenantDoor, keyRing } = doors;
  const settings = createSettingsReader(tenantDoor);
  const definitions = houseDefinitions();
  const own = createBriefCache(createDefinitionsLoader({ ...doors, definitions }), tenantsCachedMax);
  const objectStore = objectStoreOf(config);
  const baseUrlOf = async (tenantId: number) => {
    const { name = '' } = (await findTenantById(doors.systemDoor, tenantId)) ?? {};
    return `${config.http.publicUrl}/t/${name}/fhir`;
  };
  const archives = createArchivesReader(doors.systemDoor);
  const denials = createBriefCache(createDenialsLoader({ ...doors, objectStore, baseUrlOf }), tenantsCachedMax);
  const workflows = createWorkflows({ settingsOf: settings.in });
  const operations = [...serverOperations, ...workflows.flatMap((workflow) => workflow.operations ?? [])];
  const subscriptions = createSubscriptionsModule({ allowedHosts: new Set(config.outbound.allowedHosts) });
  const resources = [terminologyModule, ownParametersModule, profilesModule, consentsModule, subscriptions];
  const modules: Module[] = [...resources, peopleModule, ...workflows];
  const repository: Repository = {
    definitions,
    tenantDefinitions: { of: own.get, forget: own.clear },
    denials: { of: denials.get },
    archives,
    builtIns: createBuiltIns(definitions, operations),
    tenantDoor,
    reindexDoor: doors.reindexDoor,
    keyRing,
    sealedColumns,
    now,
    onDamage,
    site: config.http.publicUrl,
    baseUrlOf,
    cursorKey: Buffer.from(rolePassword(config.crypto.rootKey, 'page cursors')),
    objectStore,
    validate: createValidator(definitions),
    extract: createExtractor(definitions),
    rules: collectRules(modules),
    policiesOf(tenantId) {
      const known = settings.of(tenantId);
      return known instanceof Promise ? known.then(policiesIn) : policiesIn(known);
    },
  };
  return {
    repository,
    operations,
    modules,
    settings,
    forget() {
      settings.forget();
      own.clear();
      denials.clear();
      archives.forget();
    },
  };
}

/** A directory on this machine, which all its processes share. */
export function objectStoreOf({ dataDir }: Config): ObjectStore {
  return createDirectoryObjectStore(path.join(dataDir, 'objects'));
}

function policiesIn(settings: Settings): Policies {
  return {
    checksReferences: settings['references.check'],
    profilePolicy: { check: settings['profiles.check'], required: settings['profiles.required'] },
  };
}
