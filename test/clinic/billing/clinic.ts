// A clinic with a real database and nothing but the billing module, for the tests of its job and its rules.

import { rmSync } from 'node:fs';
import type { Appointment, Resource } from '@medplum/fhirtypes';
import { serverCaller } from '../../../src/access/caller.ts';
import { createBillingModule } from '../../../src/clinic/billing/module.ts';
import { createKeyRing } from '../../../src/crypto/key-ring.ts';
import { createPool, type Pool } from '../../../src/database/pool.ts';
import { createTenantDoor } from '../../../src/database/tenant-transaction.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import type { Currency } from '../../../src/fhir/money.ts';
import { createDirectoryObjectStore } from '../../../src/gateways/directory-object-store.ts';
import type { OutboxEvent } from '../../../src/jobs/outbox.ts';
import type { WriteIntent } from '../../../src/repository/change.ts';
import type { ModuleJob } from '../../../src/repository/module.ts';
import { collectRules } from '../../../src/repository/rules.ts';
import { inSession, type Repository, type Session } from '../../../src/repository/session.ts';
import { openVersion, type VersionRow, versionColumns } from '../../../src/repository/stored-version.ts';
import { write } from '../../../src/repository/write.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { createTestDatabase, type TestDatabase, testRootKey, withClient } from '../../support/database.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { defaultWorkflowSettings } from '../../support/workflow-settings.ts';

export class Clinic {
  readonly job: ModuleJob;
  currency: Currency = 'USD';
  readonly #database: TestDatabase;
  readonly #pool: Pool;
  readonly #folder: string;
  readonly #repository: Repository;
  readonly #tenantId: number;

  static async open(): Promise<Clinic> {
    const database = await createTestDatabase();
    const [tenant] = await withClient(database.url, async (client) => {
      const { rows } = await client.query<{ id: number }>(
        "INSERT INTO store.tenant (name, display) VALUES ('clinic', 'Clinic') RETURNING id",
      );
      return rows;
    });
    const clinic = new Clinic(database, tenant!.id);
    const { tenantDoor, keyRing } = clinic.#repository;
    await tenantDoor(tenant!.id, async (trx) => keyRing.createKeys(trx));
    return clinic;
  }

  private constructor(database: TestDatabase, tenantId: number) {
    this.#database = database;
    this.#tenantId = tenantId;
    this.#folder = makeTemporaryFolder();
    this.#pool = createPool({
      databaseUrl: database.url,
      role: 'hpms_app',
      rootKey: testRootKey,
      connectionsMax: 10,
      waitingMax: 100,
      onIdleError: () => undefined,
    });
    const tenantDoor = createTenantDoor(this.#pool);
    const definitions = loadDefinitions();
    const billing = createBillingModule({
      settingsOf: () => ({ ...defaultWorkflowSettings, currency: this.currency as Currency }),
    });
    this.job = billing.jobs![0]!;
    this.#repository = {
      definitions,
      tenantDoor,
      keyRing: createKeyRing(testRootKey, tenantDoor),
      objectStore: createDirectoryObjectStore(this.#folder),
      validate: createValidator(definitions),
      extract: createExtractor(definitions),
      rules: collectRules([billing]),
      policiesOf: async () => ({ checksReferences: true, profilePolicy: { check: 'off', required: {} } }),
      cursorKey: testRootKey,
      now: () => new Date(),
    };
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#database.drop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return inSession(this.#repository, serverCaller(this.#tenantId, 'test'), work);
  }

  /** In one transaction; gives the ids. */
  async write(...intents: WriteIntent[]): Promise<string[]> {
    const results = await this.inSession((session) => write(session, intents));
    return results.map(({ id }) => id);
  }

  async create(resource: Resource): Promise<string> {
    const [id] = await this.write({
      action: 'create',
      resource,
      ...(resource.id !== undefined && { id: resource.id }),
    });
    return id!;
  }

  async update(resource: Resource): Promise<void> {
    await this.write({ action: 'update', id: resource.id!, resource });
  }

  /** Creates the Appointment as fulfilled and gives the event that the outbox got for it. */
  async fulfil(appointment: Appointment): Promise<OutboxEvent> {
    const id = await this.create({ ...appointment, status: 'fulfilled' });
    const [event] = await this.events(id);
    if (!event) throw new Error('The outbox has no event.');
    return event;
  }

  async bill(appointment: Appointment): Promise<string> {
    const event = await this.fulfil(appointment);
    await this.runJob(event);
    return event.resourceId;
  }

  runJob(event: OutboxEvent): Promise<void> {
    return this.inSession((session) => this.job.run(event, session));
  }

  async events(resourceId: string): Promise<OutboxEvent[]> {
    return await this.inSession(({ trx }) =>
      trx.query<OutboxEvent>({
        text: `SELECT id, event_key AS "eventKey", topic, resource_type AS "resourceType", resource_id AS "resourceId",
                 new_version_id AS "newVersionId" FROM outbox WHERE resource_id = $1`,
        values: [resourceId],
      }),
    );
  }

  /** The stored texts of all current resources of a type. */
  async texts(type: Resource['resourceType']): Promise<string[]> {
    return await this.inSession(async ({ trx, cipher, repository: { objectStore } }) => {
      const rows = await trx.query<VersionRow>({
        text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND NOT deleted ORDER BY id`,
        values: [type],
      });
      const versions = await Promise.all(rows.map((row) => openVersion({ cipher, objectStore }, row)));
      return versions.map(({ body }) => String(body));
    });
  }

  async all<T extends Resource>(type: T['resourceType']): Promise<T[]> {
    return (await this.texts(type)).map((text) => JSON.parse(text) as T);
  }
}
