// What an empty embedded database is given: the tenant `demo`, its clinic and its people, and a file that says how to reach it.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { demoClinic, demoStaff } from '../seeds/demo-clinic.ts';
import { serverCaller } from './access/caller.ts';
import type { App } from './app.ts';
import type { Config } from './config.ts';
import { rolePassword } from './database/role-password.ts';
import { exactAmounts } from './fhir/money.ts';
import { createAccount, findAccountByEmail } from './people/accounts.ts';
import { createClient } from './people/clients.ts';
import { hashPassword } from './people/password.ts';
import { find } from './repository/read.ts';
import { inSession, type Session } from './repository/session.ts';
import { write } from './repository/write.ts';
import { type ConnectionFacts, connectionFacts } from './tenants/connection-facts.ts';
import { createTenant } from './tenants/create-tenant.ts';
import { furnish } from './tenants/furnishing/furnish.ts';
import { systemTenantName } from './tenants/reserved.ts';

export interface DemoFacts extends ConnectionFacts {
  /** Where scripts find the connection. */
  readonly file: string;
  readonly staff: readonly { readonly email: string; readonly role: string }[];
  readonly password: string;
}

const demoName = 'demo';

/** Undefined where the database has tenants and none of them is the demo. A start that was cut off is finished by the next. */
export async function furnishDemo(config: Config, app: App): Promise<DemoFacts | undefined> {
  const tenants = await app.doors.systemDoor((trx) =>
    trx.query<{ id: number; name: string }>({
      text: "SELECT id, name FROM tenant WHERE name <> $1 AND status <> 'preparing' ORDER BY id",
      values: [systemTenantName],
    }),
  );
  const known = tenants.find((tenant) => tenant.name === demoName);
  if (!known && tenants.length > 0) return undefined;
  const file = path.join(config.dataDir, 'demo.json');
  const client = (known && keptClient(file)) ?? (await makeClient(app, known?.id));
  const facts = connectionFacts(config.http.publicUrl, { tenant: demoName, ...client });
  const password = rolePassword(config.crypto.rootKey, 'demo staff').slice(0, 16);
  await furnishClinic(app, known?.id ?? client.tenantId, password);
  // Last, so that a script that finds the file finds the clinic too.
  writeFacts(file, facts);
  return { ...facts, file, password, staff: demoStaff.map(({ email, roles }) => ({ email, role: roles[0] })) };
}

interface DemoClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tenantId?: number;
}

function keptClient(file: string): DemoClient | undefined {
  if (!existsSync(file)) return undefined;
  const { clientId, clientSecret } = JSON.parse(readFileSync(file, 'utf8')) as ConnectionFacts;
  return { clientId, clientSecret };
}

/** A secret cannot be read again: where the file is lost there is a new client. */
async function makeClient(app: App, tenantId: number | undefined): Promise<DemoClient> {
  const { doors } = app;
  if (tenantId === undefined) return await createTenant(doors, { name: demoName, display: 'Demo clinic' });
  const cipher = await doors.keyRing.cipherOf(tenantId);
  return await doors.tenantDoor(tenantId, async (trx) =>
    createClient(trx, cipher, {
      name: 'Demo client',
      grantTypes: ['client_credentials'],
      scope: 'system/*.cruds',
      roles: ['clinic-admin'],
    }),
  );
}

/** The base URL may have changed with the configuration, so the file is written at every start. */
function writeFacts(file: string, facts: ConnectionFacts): void {
  const unfinished = `${file}.part`;
  writeFileSync(unfinished, `${JSON.stringify(facts, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}

/** Resources and accounts are one transaction: either all are there or none. */
async function furnishClinic(app: App, tenantId: number | undefined, password: string): Promise<void> {
  if (tenantId === undefined) throw new Error('The demo tenant has no number.');
  await inSession(app.repository, serverCaller(tenantId, 'demo seed'), async (session) => {
    const [first] = demoClinic();
    if (first?.id === undefined) throw new Error('The demo clinic has no resources.');
    if (await find(session, first.resourceType, first.id)) return;
    await write(
      session,
      demoClinic().map((resource) => ({
        action: 'update',
        id: resource.id as string,
        resource,
        exactNumbers: exactAmounts(resource),
      })),
    );
    await furnish(session, { currency: 'USD', timezone: 'UTC' });
    await makeStaff(session, await hashPassword(password));
  });
}

async function makeStaff({ trx, cipher }: Session, passwordHash: string): Promise<void> {
  for (const person of demoStaff) {
    if (!(await findAccountByEmail(trx, cipher, person.email)))
      await createAccount(trx, cipher, { ...person, passwordHash });
  }
}
