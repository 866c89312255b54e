// A clinic with a real database and the workflows of money alone, for tests that need no HTTP: every write is a client's.

import { rmSync } from 'node:fs';
import type { Basic, Invoice, PaymentReconciliation, Resource } from '@medplum/fhirtypes';
import { createBillingModule } from '../../../src/clinic/billing/module.ts';
import { createLedgerModule } from '../../../src/clinic/ledger/module.ts';
import { createNumbersModule } from '../../../src/clinic/numbers/module.ts';
import { applyCredit } from '../../../src/clinic/payments/apply-credit.ts';
import { createPaymentsModule } from '../../../src/clinic/payments/module.ts';
import { createKeyRing } from '../../../src/crypto/key-ring.ts';
import { createPool, type Pool } from '../../../src/database/pool.ts';
import { createTenantDoor } from '../../../src/database/tenant-transaction.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { createDirectoryObjectStore } from '../../../src/gateways/directory-object-store.ts';
import type { WriteIntent } from '../../../src/repository/change.ts';
import { collectRules } from '../../../src/repository/rules.ts';
import { inSession, type Repository, type Session } from '../../../src/repository/session.ts';
import { openVersion, type VersionRow, versionColumns } from '../../../src/repository/stored-version.ts';
import { write } from '../../../src/repository/write.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import type { WorkflowSettings } from '../../../src/tenants/workflow-settings.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { createTestDatabase, type TestDatabase, testRootKey, withClient } from '../../support/database.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { defaultWorkflowSettings } from '../../support/workflow-settings.ts';
import type { Stored } from './till.ts';

const caller = (tenantId: number): Session['caller'] => ({
  tenantId,
  clientId: 'till',
  kind: 'client',
  agent: { display: 'till' },
  grants: [{ context: 'system', type: '*', permissions: new Set(['c', 'r', 'u', 'd', 's']) }],
  roles: new Set(),
});

export class MoneyClinic {
  settings: WorkflowSettings = defaultWorkflowSettings;
  readonly #database: TestDatabase;
  readonly #pool: Pool;
  readonly #folder = makeTemporaryFolder();
  readonly #repository: Repository;
  #tenantId = 0;

  static async open(): Promise<MoneyClinic> {
    const clinic = new MoneyClinic(await createTestDatabase());
    await clinic.begin();
    return clinic;
  }

  private constructor(database: TestDatabase) {
    this.#database = database;
    this.#pool = createPool({
      databaseUrl: database.url,
      role: 'hpms_app',
      rootKey: testRootKey,
      connectionsMax: 10,
      waitingMax: 1_000,
      onIdleError: () => undefined,
    });
    const tenantDoor = createTenantDoor(this.#pool);
    const definitions = loadDefinitions();
    const options = { settingsOf: () => this.settings };
    const modules = [
      createBillingModule({ ...options, applyCredit }),
      createPaymentsModule(options),
      createLedgerModule(options),
      createNumbersModule(options),
    ];
    this.#repository = {
      definitions,
      tenantDoor,
      keyRing: createKeyRing(testRootKey, tenantDoor),
      objectStore: createDirectoryObjectStore(this.#folder),
      validate: createValidator(definitions),
      extract: createExtractor(definitions),
      rules: collectRules(modules),
      policiesOf: async () => ({ checksReferences: false, profilePolicy: { check: 'off', required: {} } }),
      cursorKey: testRootKey,
      now: () => new Date(),
    };
  }

  /** From here on it is another tenant, in which nothing has happened. */
  async begin(): Promise<void> {
    const name = `clinic-${this.#tenantId}`;
    const [tenant] = await withClient(this.#database.url, async (client) => {
      const sql = 'INSERT INTO store.tenant (name, display) VALUES ($1, $1) RETURNING id';
      return (await client.query<{ id: number }>(sql, [name])).rows;
    });
    this.#tenantId = tenant!.id;
    const { tenantDoor, keyRing } = this.#repository;
    await tenantDoor(this.#tenantId, async (trx) => keyRing.createKeys(trx));
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#database.drop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return inSession(this.#repository, caller(this.#tenantId), work);
  }

  /** In one transaction, as stored. */
  async write<T extends Resource>(...intents: WriteIntent[]): Promise<Stored<T>[]> {
    const results = await this.inSession((session) => write(session, intents));
    return results.map(({ json }) => JSON.parse(json ?? 'null'));
  }

  async create<T extends Resource>(resource: T): Promise<Stored<T>> {
    const [created] = await this.write<T>({ action: 'create', resource });
    return created!;
  }

  async put<T extends Resource>(resource: Stored<T>): Promise<Stored<T>> {
    const [updated] = await this.write<T>({ action: 'update', id: resource.id, resource });
    return updated!;
  }

  async all<T extends Resource>(type: T['resourceType']): Promise<Stored<T>[]> {
    return await this.inSession(async ({ trx, cipher, repository: { objectStore } }) => {
      const rows = await trx.query<VersionRow>({
        text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND NOT deleted ORDER BY id`,
        values: [type],
      });
      const versions = await Promise.all(rows.map((row) => openVersion({ cipher, objectStore }, row)));
      return versions.map(({ body }) => JSON.parse(String(body)));
    });
  }

  async read<T extends Resource>({ resourceType, id }: Stored<T>): Promise<Stored<T>> {
    const found = (await this.all<T>(resourceType)).find((one) => one.id === id);
    if (!found) throw new Error('It is not there.');
    return found;
  }

  /** All that tells of money. */
  async books(): Promise<Books> {
    const [invoices, payments, journals] = await Promise.all([
      this.all<Invoice>('Invoice'),
      this.all<PaymentReconciliation>('PaymentReconciliation'),
      this.all<Basic>('Basic'),
    ]);
    return { invoices, payments, journals };
  }
}

export interface Books {
  readonly invoices: readonly Stored<Invoice>[];
  readonly payments: readonly Stored<PaymentReconciliation>[];
  readonly journals: readonly Stored<Basic>[];
}
