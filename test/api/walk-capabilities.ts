// Walks the CapabilityStatement over HTTP: whatever it declares gives the right result: https://hl7.org/fhir/R4/capabilitystatement.html

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { CapabilityStatement, CapabilityStatementRestResource, Resource } from '@medplum/fhirtypes';
import { type Caller, serverCaller } from '../../src/access/caller.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { postEntry, putEntry, sendBundle } from './bundle-requests.ts';
import { type DeclaredParameter, valuesThatFind } from './capabilities-queries.ts';
import { type Sample, sampleResource } from './capabilities-samples.ts';
import { type Walk, walkType } from './capabilities-steps.ts';
import { clientOf } from './clients.ts';
import { meetInvariants } from './meet-invariants.ts';
import { expectNoFailure } from './refusals.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const variantsMax = 20;
const entriesOfTransaction = 200;

let server: TestServer;
let all: CapabilityStatementRestResource[];
let types: CapabilityStatementRestResource[];
let statement: CapabilityStatement;
const declares = ({ interaction = [] }: CapabilityStatementRestResource, code: string) =>
  interaction.some((one) => one.code === code);

/** All that failed, so that one look tells what is wrong. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const failures: string[] = [];
  const worker = async () => {
    for (const item of rest) await work(item).catch((error: Error) => failures.push(error.message));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  if (failures.length > 0) throw new Error(`${failures.length} failed:\n${failures.slice(0, 20).join('\n')}`);
}

/** What no client may write is written by the server's own hand. */
async function writtenByServer(resources: readonly Resource[]): Promise<Resource[]> {
  const { repository } = server.app;
  const caller = serverCaller(server.a.id, 'walk');
  const results = await inSession(repository, caller, (session) =>
    write(
      session,
      resources.map((resource) => ({ action: 'create', resource })),
    ),
  );
  return results.map(({ json }) => JSON.parse(json ?? '') as Resource);
}

/** Of a type that no client creates. */
async function existing(type: string, samples: readonly Resource[]): Promise<Resource[]> {
  if (type !== 'AuditEvent') return await writtenByServer(samples);
  // Each change leaves one; a second client makes another agent, and so does a person.
  const client = await clientOf(server, server.a, 'system/Patient.cud');
  for (const [index, { request }] of [client, server.a].entries()) {
    const purpose = { 'X-Purpose-Of-Use': index === 0 ? 'TREAT' : 'HPAYMT' };
    const { json } = await request('POST', '/Patient', { resourceType: 'Patient' }, purpose);
    await request('DELETE', `/Patient/${json.id}`);
  }
  for (const display of ['Ada Arzt', 'Zoe Zahn']) {
    const id = { accountId: display.slice(0, 3), agent: { reference: `Practitioner/${display.slice(0, 3)}`, display } };
    const person: Caller = { ...serverCaller(server.a.id, 'walk'), kind: 'staff', ...id };
    await inSession(server.app.repository, person, (session) =>
      write(session, [{ action: 'create', resource: { resourceType: 'Patient' } }]),
    );
  }
  const { json } = await server.a.request('GET', '/AuditEvent?action=C,D&_count=200');
  return json.entry.map(({ resource }: { resource: Resource }) => resource);
}

/** What a search must tell apart: the first that a parameter reads something from, and one from which it reads something else. */
interface Stored {
  readonly declared: CapabilityStatementRestResource;
  readonly parameters: readonly DeclaredParameter[];
  resources: Resource[];
}

const familyOf = (samples: readonly Resource[], isSecond: boolean) =>
  samples.filter((sample) => (sample.meta?.source !== 'urn:walk:source-0') === isSecond);

let stored: Stored[];
/** Or the clinic's rules keep samples from having them: own-search-parameters.test.ts. */
const provedElsewhere: ReadonlySet<string> = new Set([
  // The server fills none of these in: test/api/audit-shapes.test.ts.
  ...['AuditEvent.entity-name', 'AuditEvent.policy', 'AuditEvent.source'],
  // Of clients only: this server's own is in each.
  'AuditEvent.address',
  'Encounter.queue-position',
  'PaymentReconciliation.payment-type',
]);

/** Of all types that are declared, or a part of them, which must hold AuditEvent. */
export function walkCapabilities(isWalked: (type: string) => boolean): void {
  beforeAll(async () => {
    server = await startTestServer();
    statement = (await send(`${server.origin}/t/clinic-a/fhir/metadata`, 'GET')).json;
    all = statement.rest?.[0]?.resource ?? [];
    types = all.filter(({ type }) => isWalked(type));
    expect(types.length).toBeGreaterThan(40);
  });
  afterAll(async () => {
    expectNoFailure(server.logLines);
    await server.close();
  });

  beforeAll(async () => {
    const expressions = await readExpressions();
    stored = types.map((declared): Stored => {
      const parameters = (declared.searchParam ?? []).map(({ name, type, definition = '' }) => {
        return { name, type, expression: expressions.get(definition) ?? '' };
      });
      return { declared, parameters, resources: samplesFor(declared.type, parameters) };
    });
    // In transactions of their own, so that they differ in the time of their last change too.
    for (const isSecond of [true, false]) await storeAll(isSecond);
    await storeTargets();
    // The newest, which a search shows first.
    for (const one of stored) if (one.declared.type === 'AuditEvent') one.resources = await existing('AuditEvent', []);
  }, 120_000);

  test('every search parameter finds the resource that has the value, and not the one that has another', async () => {
    const unproved: string[] = [];
    await inParallel(
      stored.flatMap((one) => one.parameters.map((parameter) => ({ ...one, parameter }))),
      async ({ declared: { type }, parameter, resources }) => {
        const what = `${type}.${parameter.name}`;
        if (provedElsewhere.has(what)) return;
        const readings = resources.map((resource) => ({
          id: resource.id ?? '',
          values: valuesOf(parameter, resource),
        }));
        const match = readings.find(({ values }) => values.length > 0);
        const [value = ''] = match?.values ?? [];
        const other = readings.find(({ values }) => !values.includes(value));
        if (!match) throw new Error(`No sample has a value for ${what}.`);
        const found = await search(type, parameter.name, value);
        expect([what, value, found.has(`${type}/${match.id}`)]).toEqual([what, value, true]);
        if (other) expect([what, value, found.has(`${type}/${other.id}`)]).toEqual([what, value, false]);
        else {
          unproved.push(what);
          expect([what, (await search(type, parameter.name, 'urn:walk:nothing')).size]).toEqual([what, 0]);
        }
      },
    );
    // All these AuditEvents are about a change that was made by the REST API of this server: audit-shapes.test.ts has others.
    const alike = ['entity-role', 'entity-type', 'outcome', 'site', 'type'].map((code) => `AuditEvent.${code}`);
    expect(unproved.sort()).toEqual(alike);
  }, 120_000);

  test('every include brings what is pointed to, and nothing else does', async () => {
    const targets = new Set(all.filter(({ updateCreate }) => updateCreate).map(({ type }) => type));
    const isTarget = (value: string) => value.endsWith('/r0') && targets.has(value.slice(0, -3) as never);
    let proved = 0;
    await inParallel(
      stored.flatMap((one) => (one.declared.searchInclude ?? []).map((include) => ({ ...one, include }))),
      async ({ declared: { type }, parameters, resources, include }) => {
        const references = parameters.filter((parameter) => parameter.type === 'reference');
        const meant = references.filter(({ name }) => include === '*' || include === `${type}:${name}`);
        const [pointer] = resources.flatMap((resource) => {
          const values = meant.flatMap((parameter) => valuesOf(parameter, resource)).filter(isTarget);
          return values.length > 0 ? [{ id: resource.id ?? '', target: values[0] ?? '' }] : [];
        });
        if (!pointer) throw new Error(`No sample has something for ${type}?_include=${include}.`);
        const without = await search(type, '_id', pointer.id);
        const found = await search(type, '_id', pointer.id, `&_include=${include}`);
        expect([include, without.has(pointer.target), found.has(pointer.target)]).toEqual([include, false, true]);
        proved++;
      },
    );
    expect(proved).toBeGreaterThan((300 * types.length) / all.length);
  }, 60_000);

  test('every reverse include is taken, and brings what points here', async () => {
    await inParallel(types, async ({ type, searchRevInclude = [] }) => {
      // A search takes a hundred parameters.
      for (let from = 0; from < searchRevInclude.length; from += 90) {
        const values = searchRevInclude.slice(from, from + 90);
        await search(type, '_id', 'nothing', values.map((value) => `&_revinclude=${value}`).join(''));
      }
    });
    const offered = new Map(all.map(({ type, searchRevInclude }) => [type as string, new Set(searchRevInclude)]));
    const isTarget = (value: string) => /^[A-Za-z]+\/r0$/.test(value) && offered.has(value.slice(0, -3));
    const proved = new Set<string>();
    await inParallel(
      stored.flatMap((one) => one.parameters.map((parameter) => ({ ...one, parameter }))),
      async ({ declared: { type, searchInclude = [] }, parameter, resources }) => {
        const include = `${type}:${parameter.name}`;
        if (!searchInclude.includes(include)) return;
        const [pointer] = resources.flatMap((resource) => {
          const target = valuesOf(parameter, resource).find(isTarget)?.slice(0, -3);
          return target !== undefined && offered.get(target)?.has(include) ? [{ id: resource.id ?? '', target }] : [];
        });
        if (!pointer) throw new Error(`No sample points by ${include} to what would include it.`);
        const { id, target } = pointer;
        const found = await search(target, '_id', 'r0', `&_revinclude=${include}`);
        expect([include, target, found.has(`${type}/${id}`), found.has(`${target}/r0`)]).toEqual([
          include,
          target,
          true,
          true,
        ]);
        proved.add(include);
      },
    );
    const walked = new Set<string>(types.map(({ type }) => type));
    const declared = new Set(all.flatMap(({ searchRevInclude = [] }) => searchRevInclude));
    const ofWalked = [...declared].filter((include) => walked.has(include.slice(0, include.indexOf(':'))));
    expect(ofWalked.filter((include) => !proved.has(include))).toEqual([]);
  }, 60_000);

  // Last, for it leaves more AuditEvents than a page shows.
  test('every interaction and operation of every type', async () => {
    const walkOne = async (declared: CapabilityStatementRestResource) => {
      const { type } = declared;
      const minimal = minimalSample(type, 0);
      const walk: Walk = { type, declared, tenant: server.a, current: { ...minimal, language: 'en' } };
      if (!declares(declared, 'create')) [walk.current = minimal] = await existing(type, [minimal]);
      expect(await walkType(walk)).toBeGreaterThan(3);
    };
    const isAudit = ({ type }: CapabilityStatementRestResource) => type === 'AuditEvent';
    await inParallel(
      types.filter((declared) => !isAudit(declared)),
      walkOne,
    );
    // Whatever else is done meanwhile makes further ones.
    await inParallel(types.filter(isAudit), walkOne);
  }, 120_000);
}

/** By the URL of their definition, each read from this server. */
async function readExpressions(): Promise<Map<string, string>> {
  const urls = new Set(types.flatMap(({ searchParam = [] }) => searchParam.map(({ definition = '' }) => definition)));
  const expressions = new Map<string, string>();
  await inParallel([...urls], async (url) => {
    const { json } = await server.a.request('GET', `/${url.split('/').slice(-2).join('/')}`);
    expect(json.url).toBe(url);
    expressions.set(url, json.expression);
  });
  return expressions;
}

/** As few variants as give every parameter a value, one resource that differs in all, and one that has next to nothing. */
function samplesFor(type: string, parameters: readonly DeclaredParameter[]): Resource[] {
  const samples: Resource[] = [];
  const open = new Set(parameters.filter(({ name }) => name !== '_id' && name !== '_lastUpdated'));
  for (let variant = 0; variant < variantsMax && open.size > 0; variant++) {
    const sample = validSample(type, { family: 0, variant });
    if (!sample) continue;
    const read = [...open].filter((parameter) => valuesOf(parameter, sample).length > 0);
    if (read.length > 0) samples.push(sample);
    for (const parameter of read) open.delete(parameter);
  }
  const other = [0, 1, 2].map((variant) => validSample(type, { family: 1, variant })).find((sample) => sample);
  return [...samples, ...(other ? [other] : []), minimalSample(type, 1)];
}

/** Puts what was stored in the place of what was to be. */
async function storeAll(isSecond: boolean): Promise<void> {
  const groups: { of: Stored; sample: Resource }[][] = [[]];
  for (const of of stored) {
    const samples = familyOf(of.resources, isSecond);
    if (!declares(of.declared, 'create')) {
      of.resources = [...(await existing(of.declared.type, samples)), ...familyOf(of.resources, !isSecond)];
      continue;
    }
    if ((groups.at(-1)?.length ?? 0) >= entriesOfTransaction) groups.push([]);
    groups.at(-1)?.push(...samples.map((sample) => ({ of, sample })));
  }
  for (const group of groups) {
    const answer = await sendBundle(
      server.a,
      'transaction',
      group.map(({ sample }) => postEntry(sample)),
    );
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
    for (const [index, { of, sample }] of group.entries()) {
      const { response } = answer.json.entry[index];
      const [, id] = response.location.match(/\/([^/]+)\/_history\//);
      const meta = { ...sample.meta, lastUpdated: response.lastModified };
      of.resources[of.resources.indexOf(sample)] = { ...sample, id, meta };
    }
  }
}

/** What the samples of the first family point to. */
async function storeTargets(): Promise<void> {
  const entries = all.flatMap(({ type, updateCreate }) => {
    return updateCreate ? [putEntry({ ...minimalSample(type, 1), id: 'r0' })] : [];
  });
  const answer = await sendBundle(server.a, 'transaction', entries);
  expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
}

/** Undefined where a variant cannot meet R4's invariants. */
function validSample(type: string, sample: Sample): Resource | undefined {
  const made = sampleResource(definitions, type, sample);
  const full = sample.isMinimal ? sampleResource(definitions, type, { ...sample, isMinimal: false }) : undefined;
  return meetInvariants(validate, made, sample.variant, full);
}

function minimalSample(type: string, family: Sample['family']): Resource {
  const minimal = validSample(type, { family, variant: 0, isMinimal: true });
  if (!minimal) throw new Error(`There is no valid ${type} with next to nothing.`);
  return minimal;
}

function valuesOf(parameter: DeclaredParameter, resource: Resource): string[] {
  return valuesThatFind(definitions, parameter, resource);
}

/** `Type/id` of all that is in the answer. */
async function search(type: string, name: string, value: string, more = ''): Promise<Set<string>> {
  const query = `${name}=${encodeURIComponent(value)}&_count=1000${more}`;
  const { status, json, text } = await server.a.request('GET', `/${type}?${query}`, undefined, {
    Prefer: 'handling=strict',
  });
  expect([type, query, status, status === 200 ? '' : text]).toEqual([type, query, 200, '']);
  return new Set(
    (json.entry ?? []).map(({ resource }: { resource: Resource }) => `${resource.resourceType}/${resource.id}`),
  );
}
