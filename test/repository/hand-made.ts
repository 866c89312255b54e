// A repository of a test's own: real database and keys, and rules made by hand that remember how they were called.

import { rmSync } from 'node:fs';
import { type Caller, serverCaller } from '../../src/access/caller.ts';
import { type Doors, openDoors } from '../../src/doors.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createDirectoryObjectStore } from '../../src/gateways/directory-object-store.ts';
import type { Change, WriteIntent, WriteResult } from '../../src/repository/change.ts';
import type { Module } from '../../src/repository/module.ts';
import { collectRules } from '../../src/repository/rules.ts';
import { inSession, type Repository, type Session } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { createTestDatabase, testKeys } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

export interface HandMade {
  readonly doors: Doors;
  readonly databaseUrl: string;
  readonly caller: Caller;
  readonly tenantId: number;
  /** The same database under these modules. */
  with(...modules: readonly Module[]): Repository;
  write(repository: Repository, intents: readonly WriteIntent[], caller?: Caller): Promise<WriteResult[]>;
  run<T>(repository: Repository, work: (session: Session) => Promise<T>): Promise<T>;
  /** The number of rows a query of one count gives. */
  count(text: string): Promise<number>;
  close(): Promise<void>;
}

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const extract = createExtractor(definitions);

export async function makeByHand(): Promise<HandMade> {
  const database = await createTestDatabase();
  const doors = openDoors({ databaseUrl: database.url, ...testKeys, onIdleError: () => undefined });
  const { tenantId } = await createTenant(doors, { name: 'by-hand' });
  const caller: Caller = { ...serverCaller(tenantId, 'tester'), kind: 'client' };
  const folder = makeTemporaryFolder();
  const run: HandMade['run'] = (repository, work) => inSession(repository, caller, work);
  return {
    doors,
    databaseUrl: database.url,
    caller,
    tenantId,
    run,
    with: (...modules) => ({
      definitions,
      tenantDoor: doors.tenantDoor,
      keyRing: doors.keyRing,
      objectStore: createDirectoryObjectStore(folder),
      validate,
      extract,
      rules: collectRules(modules),
      policiesOf: () => ({ checksReferences: false, profilePolicy: { check: 'off', required: {} } }),
      cursorKey: Buffer.alloc(32),
      now: () => new Date(),
    }),
    write: (repository, intents, by = caller) => inSession(repository, by, (session) => write(session, intents)),
    async count(text) {
      const rows = await doors.tenantDoor(tenantId, (trx) => trx.query<{ count: string }>({ text }));
      return Number(rows[0]?.count);
    },
    async close() {
      await doors.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Call {
  readonly step: string;
  /** `action type/old version -> new version` of each change. */
  readonly changes: readonly string[];
}

/** A module for these types whose every step notes how it was called. */
export function noting(calls: Call[], types: readonly string[], more: Partial<Module> = {}): Module {
  const note = (step: string) => (changes: readonly Change[]) => {
    calls.push({ step, changes: changes.map(textOf) });
  };
  const rules = (step: string) => types.map((type) => ({ name: step, type, run: note(`${step} ${type}`) }));
  return {
    name: 'noting',
    prepare: rules('prepare'),
    guards: rules('guard'),
    effects: types.map((type) => ({
      name: 'effect',
      type,
      run(changes) {
        note(`effect ${type}`)(changes);
        return [];
      },
    })),
    ...more,
  };
}

function textOf({ action, old, versionId, resource, oldResource }: Change): string {
  const content = `${oldResource ? 'old' : 'none'}>${resource ? 'new' : 'none'}`;
  return `${action} ${old?.versionId ?? 0}>${versionId} ${content}`;
}
