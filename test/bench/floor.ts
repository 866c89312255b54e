// The limit the server is measured against: a bare Koa app that does only what cannot be avoided, as well as it can be done.
// It knows no tokens, scopes, validation, search parameters or rules; it writes the same encrypted rows and reads them back.

import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { createPool } from '../../src/database/pool.ts';
import { createTenantDoor } from '../../src/database/tenant-transaction.ts';
import { openRoots } from '../../src/open-roots.ts';
import { createFloorInteractions, type FloorAnswer } from './floor-interactions.ts';
import { connectFloor } from './floor-trip.ts';

const { DATABASE_URL: databaseUrl = '', ROOT_KEY = '', KEY_DIR: keyDir = '', TENANT_ID = '', PORT = '' } = process.env;
const { CLIENT_ID: clientId = '', SITE: site = '' } = process.env;
const rootKey = Buffer.from(ROOT_KEY, 'base64');
const connection = { databaseUrl, rootKey, role: 'hpms_app' } as const;

/** Tried: 4 are slower at reads, 16 no faster at anything. */
const connections = 8;

const pool = createPool({ ...connection, connectionsMax: 1, waitingMax: 1, onIdleError: console.error });
const roots = openRoots({ current: { kind: 'local', key: rootKey }, keyDir, cacheMs: 3_600_000 });
const cipher = await createKeyRing(roots, createTenantDoor(pool)).cipherOf(Number(TENANT_ID));
await pool.end();
const database = await connectFloor(connection, connections, TENANT_ID);
const floor = createFloorInteractions(cipher, database, { clientId, site });

const app = new Koa();
app.use(async (ctx) => {
  const { status, body, etag, location } = await answer(ctx);
  ctx.status = status;
  if (etag !== undefined) ctx.set('ETag', `W/"${etag}"`);
  if (location !== undefined) ctx.set('Location', location);
  ctx.type = 'application/fhir+json; charset=utf-8';
  ctx.body = body;
});
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'));

/** Paths as the server's below its FHIR base. */
async function answer(ctx: Koa.Context): Promise<FloorAnswer> {
  const [, type = '', id = ''] = ctx.path.split('/');
  if (ctx.method === 'PUT') return await floor.update(id, await readBody(ctx.req));
  if (ctx.method === 'POST') {
    const body = await readBody(ctx.req);
    return type === '' ? await floor.transaction(body) : await floor.create(body);
  }
  if (id !== '') return await floor.read(type, id);
  const query = new URLSearchParams(ctx.querystring);
  const identifier = query.get('identifier');
  if (identifier !== null) return await floor.findByIdentifier(type, identifier);
  return await floor.schedule(query.get('practitioner') ?? '', query.get('date') ?? '');
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => resolve(Buffer.concat(pieces).toString()));
    request.on('error', reject);
  });
}
