// A server with random resources in it, and what the reference evaluator knows of them.

import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import type { World } from '../search/reference/asked.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { type AgreementClass, agreementClasses } from './agreement-classes.ts';
import { type AgreementType, counts, idOf, makeResource, type Pick } from './agreement-resources.ts';
import { deleteEntry, putEntry, sendBundle } from './bundle-requests.ts';

export interface AgreementWorld {
  readonly server: TestServer;
  readonly world: World;
  /** The classes of searches that the server answers. */
  readonly classes: readonly AgreementClass[];
}

/** Each import has a time of its own, and a sample of the types is drawn from many times. */
const importSize = 50;
/** So many there seem to be of each type, so that the server takes the ways that are for many resources. */
const pretended = 2_000_000;
/** Of those that others link to, where links are followed from one in ten, but not from all. */
const pretendedLinked = 30_000;
/** So many have been deleted for each that there is, so that a sample finds less of what a search asks for. */
const goneForEach = 9;
const linked: readonly AgreementType[] = ['Organization', 'Practitioner', 'Location', 'Patient', 'Encounter'];
const index = (max: number) => fc.noBias(fc.nat({ max }));

/** Choices that fast-check shrinks. */
export const picks = fc.gen().map(
  (draw): Pick =>
    (items) =>
      items[draw(index, items.length - 1)] as (typeof items)[number],
);

/** Other resources of the same ids are in the other tenant, where no search of the first may find them. */
export async function makeAgreementWorld(seed: number): Promise<AgreementWorld> {
  const server = await startTestServer();
  try {
    return await worldOn(server, seed);
  } catch (error) {
    // Or its connections would be left to the next test file of this process.
    await server.close();
    throw error;
  }
}

async function worldOn(server: TestServer, seed: number): Promise<AgreementWorld> {
  const [own, other] = fc.sample(picks, { numRuns: 2, seed }) as [Pick, Pick];
  await fill(server.b, other);
  const byPlace = new Map([...builtInResources(server), ...(await fill(server.a, own))]);
  const { codeSystems } = ownDefinitions();
  const world = { resources: [...byPlace.values()], byPlace, codeSystems, baseUrl: server.a.baseUrl, now: Date.now() };
  await pretendMany(server);
  await requireAnswered(server.a);
  return { server, world, classes: agreementClasses(server.a.baseUrl) };
}

/** Every tenant finds the server's own definitions, which are as old as can be. */
function builtInResources({ app }: TestServer): Map<string, Resource> {
  const { builtIns } = app.repository;
  const resources = (Object.keys(counts) as AgreementType[])
    .flatMap((type) => builtIns?.all(type) ?? [])
    .map((text): Resource => {
      const resource = JSON.parse(text) as Resource;
      return { ...resource, meta: { ...resource.meta, lastUpdated: new Date(0).toISOString() } };
    });
  return new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
}

/** All are made, a fifth is changed to something else, and some are deleted. */
async function fill(tenant: TestTenant, pick: Pick): Promise<Map<string, Resource>> {
  const stored = new Map<string, Resource>();
  const places = (Object.keys(counts) as AgreementType[]).flatMap((type) =>
    Array.from({ length: counts[type] }, (_, position) => ({ type, id: idOf(type, position) })),
  );
  // An Appointment may not go from any status to any other.
  const changed = places.filter(({ type }, position) => position % 5 === 0 && type !== 'Appointment');
  const deleted = places.filter((_, position) => position % 23 === 11).map(({ type, id }) => `${type}/${id}`);
  for (const list of [places, changed]) {
    const entries = list.map(({ type, id }) => putEntry(makeResource(type, id, pick)));
    for (const resource of await importAll(tenant, entries))
      stored.set(`${resource.resourceType}/${resource.id}`, resource);
  }
  await importAll(
    tenant,
    deleted.map((place) => deleteEntry(place)),
  );
  for (const place of deleted) stored.delete(place);
  return stored;
}

/** As the server stored them. */
async function importAll(tenant: TestTenant, entries: readonly BundleEntry[]): Promise<Resource[]> {
  const stored: Resource[] = [];
  for (let start = 0; start < entries.length; start += importSize) {
    const answer = await sendBundle(tenant, 'transaction', entries.slice(start, start + importSize));
    if (answer.status !== 200) throw new Error(answer.text.slice(0, 2000));
    stored.push(...answer.json.entry.flatMap(({ resource }: BundleEntry) => resource ?? []));
  }
  return stored;
}

/** In the counters, which say how many there are where a search asks by nothing, and by what is long gone. */
async function pretendMany({ database, a }: TestServer): Promise<void> {
  const text = `INSERT INTO store.type_count (tenant_id, type, amount)
    SELECT DISTINCT tenant_id, type, CASE WHEN type = ANY($4::text[]) THEN $3 ELSE $2 END::bigint
    FROM store.type_count WHERE tenant_id = $1`;
  const gone = `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, tokens)
    SELECT tenant_id, type, 'gone-' || place || '-' || id, 2, last_updated + place * interval '37 ms', true, '{}'
    FROM store.resource, generate_series(1, $2) place WHERE tenant_id = $1`;
  await withClient(database.url, async (client) => {
    await client.query(gone, [a.id, goneForEach]);
    await client.query(text, [a.id, pretended, pretendedLinked, linked]);
  });
}

/** Each class is answered under strict handling, or nothing of it would be compared. */
async function requireAnswered(tenant: TestTenant): Promise<void> {
  for (const { probe } of agreementClasses(tenant.baseUrl)) {
    const { status, text } = await tenant.request('GET', `/${probe}`, undefined, { Prefer: 'handling=strict' });
    if (status !== 200) throw new Error(`${probe} is ${status}: ${text}`);
  }
}
