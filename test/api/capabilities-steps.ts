// One interaction of one type over HTTP, each held to its result: https://hl7.org/fhir/R4/http.html

import { expect } from '@jest/globals';
import type { CapabilityStatementRestResource, Meta, Resource } from '@medplum/fhirtypes';
import type { TestResponse, TestTenant } from '../support/server.ts';

/** A walk over one type: what its resource is now, and how often it was changed. */
export interface Walk {
  readonly type: string;
  readonly tenant: TestTenant;
  readonly declared: CapabilityStatementRestResource;
  current: Resource;
}

type Json = Resource & { readonly meta: Meta; readonly language?: string };

/** JSON also where a type has a form of its own (Binary). */
const json = { Accept: 'application/fhir+json' };
const place = ({ type, current }: Walk) => `/${type}/${current.id}`;
const version = ({ current }: Walk) => Number(current.meta?.versionId);
const { fresh, tagOf } = uniqueTags();

export function ask(
  { tenant }: Walk,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<TestResponse> {
  return tenant.request(method, path, body, { ...json, ...headers });
}

function expectStatus(answer: TestResponse, status: number, what: string): void {
  const said = answer.status === status ? '' : answer.text.slice(0, 500);
  expect([what, answer.status, said]).toEqual([what, status, '']);
}

/** The next version of the walk's resource, as a write answered it. */
function expectNext(walk: Walk, answer: TestResponse, wanted: object): void {
  expectStatus(answer, 200, `${walk.type} ${JSON.stringify(wanted)}`);
  const next = String(version(walk) + 1);
  expect(answer.json).toEqual({
    ...walk.current,
    ...wanted,
    meta: { ...walk.current.meta, versionId: next, lastUpdated: expect.any(String) },
  });
  expect(answer.headers.get('ETag')).toBe(`W/"${next}"`);
  walk.current = answer.json;
}

async function expectRead(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', place(walk));
  expectStatus(answer, 200, `read of ${walk.type}`);
  expect(answer.json).toEqual(walk.current);
}

const numbered: ReadonlySet<string> = new Set(['Appointment', 'Patient']);

async function create(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'POST', `/${walk.type}`, walk.current);
  expectStatus(answer, 201, `create of ${walk.type}`);
  const { id, meta } = answer.json as Json;
  expect(answer.json).toEqual({
    ...walk.current,
    // The clinic's own number, where the type has one.
    ...(numbered.has(walk.type) && { identifier: expect.any(Array) }),
    id: expect.any(String),
    meta: { ...walk.current.meta, versionId: '1', lastUpdated: expect.any(String) },
  });
  expect(answer.headers.get('Location')).toBe(`${walk.tenant.baseUrl}/${walk.type}/${id}/_history/1`);
  expect(answer.headers.get('ETag')).toBe(`W/"${meta.versionId}"`);
  walk.current = answer.json;
}

async function vread(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', `${place(walk)}/_history/${version(walk)}`);
  expectStatus(answer, 200, `vread of ${walk.type}`);
  expect(answer.json).toEqual(walk.current);
}

async function update(walk: Walk): Promise<void> {
  expectNext(walk, await ask(walk, 'PUT', place(walk), { ...walk.current, language: 'de' }), { language: 'de' });
  await expectRead(walk);
}

async function patch(walk: Walk): Promise<void> {
  const type = { 'Content-Type': 'application/json-patch+json' };
  const operations = [{ op: 'add', path: '/language', value: 'fr' }];
  expectNext(walk, await ask(walk, 'PATCH', place(walk), operations, type), { language: 'fr' });
  await expectRead(walk);
}

async function historyInstance(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', `${place(walk)}/_history`);
  expectStatus(answer, 200, `history of a ${walk.type}`);
  const versions = resourcesOf(answer).map(({ meta }) => Number(meta?.versionId));
  expect(versions).toEqual(Array.from({ length: version(walk) }, (_, index) => version(walk) - index));
  expect(resourcesOf(answer)[0]).toEqual(walk.current);
}

async function historyType(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', `/${walk.type}/_history?_count=20`);
  expectStatus(answer, 200, `history of type ${walk.type}`);
  expect(resourcesOf(answer)).toContainEqual(walk.current);
  expect(new Set(resourcesOf(answer).map(({ resourceType }) => resourceType))).toEqual(new Set([walk.type]));
}

async function searchType(walk: Walk): Promise<void> {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  for (const answer of [
    await ask(walk, 'GET', `/${walk.type}?_id=${walk.current.id}`),
    await ask(walk, 'POST', `/${walk.type}/_search`, `_id=${walk.current.id}`, form),
  ]) {
    expectStatus(answer, 200, `search of ${walk.type}`);
    expect(resourcesOf(answer)).toEqual([walk.current]);
  }
}

async function remove(walk: Walk): Promise<void> {
  expectStatus(await ask(walk, 'DELETE', place(walk)), 204, `delete of ${walk.type}`);
  expectStatus(await ask(walk, 'GET', place(walk)), 410, `read of a deleted ${walk.type}`);
  expect(resourcesOf(await ask(walk, 'GET', `/${walk.type}?_id=${walk.current.id}`))).toEqual([]);
}

/** In the order in which they follow on each other. */
const interactions: readonly (readonly [code: string, step: (walk: Walk) => Promise<void>])[] = [
  ['create', create],
  ['read', expectRead],
  ['vread', vread],
  ['update', update],
  ['patch', patch],
  ['history-instance', historyInstance],
  ['history-type', historyType],
  ['search-type', searchType],
];

async function updateCreate(walk: Walk): Promise<void> {
  const id = `walk-${walk.type}`;
  const answer = await ask(walk, 'PUT', `/${walk.type}/${id}`, { ...walk.current, id });
  expectStatus(answer, 201, `update as create of ${walk.type}`);
  const read = await ask(walk, 'GET', `/${walk.type}/${id}`);
  expect(read.json).toMatchObject({ resourceType: walk.type, id, meta: { versionId: '1' } });
}

async function conditionalRead(walk: Walk): Promise<void> {
  const known = { 'If-None-Match': `W/"${version(walk)}"` };
  expectStatus(await ask(walk, 'GET', place(walk), undefined, known), 304, `conditional read of ${walk.type}`);
  const other = await ask(walk, 'GET', place(walk), undefined, { 'If-None-Match': 'W/"999"' });
  expect(other.json).toEqual(walk.current);
  const since = {
    'If-Modified-Since': new Date(Date.parse(walk.current.meta?.lastUpdated ?? '') + 1000).toUTCString(),
  };
  expectStatus(await ask(walk, 'GET', place(walk), undefined, since), 304, `conditional read of ${walk.type}`);
}

async function conditionalCreate(walk: Walk): Promise<void> {
  const { body, query } = tagged(walk);
  const once = { 'If-None-Exist': query };
  const first = await ask(walk, 'POST', `/${walk.type}`, body, once);
  expectStatus(first, 201, `conditional create of ${walk.type}`);
  const second = await ask(walk, 'POST', `/${walk.type}`, body, once);
  expectStatus(second, 200, `repeated conditional create of ${walk.type}`);
  expect(second.headers.get('Location')).toBe(first.headers.get('Location'));
  expect(await idsOf(walk, query)).toEqual([first.json.id]);
}

async function conditionalUpdate(walk: Walk): Promise<void> {
  const { body, query } = tagged(walk);
  const first = await ask(walk, 'PUT', `/${walk.type}?${query}`, body);
  expectStatus(first, 201, `conditional update of no ${walk.type}`);
  const second = await ask(walk, 'PUT', `/${walk.type}?${query}`, { ...body, language: 'it' });
  expectStatus(second, 200, `conditional update of one ${walk.type}`);
  expect(second.json).toMatchObject({ id: first.json.id, language: 'it', meta: { versionId: '2' } });
  expect(await idsOf(walk, query)).toEqual([first.json.id]);
}

async function conditionalDelete(walk: Walk, count: number): Promise<void> {
  const { body, query } = tagged(walk);
  for (let made = 0; made < count; made++) await ask(walk, 'POST', `/${walk.type}`, body);
  expect(await idsOf(walk, query)).toHaveLength(count);
  const answer = await ask(walk, 'DELETE', `/${walk.type}?${query}`);
  expect([walk.type, answer.status < 300]).toEqual([walk.type, true]);
  expect(await idsOf(walk, query)).toEqual([]);
  await expectRead(walk);
}

async function meta(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', `${place(walk)}/$meta`);
  expectStatus(answer, 200, `$meta of ${walk.type}`);
  expect(answer.json.parameter).toEqual([{ name: 'return', valueMeta: walk.current.meta }]);
}

async function metaAdd(walk: Walk): Promise<void> {
  await changeMeta(walk, '$meta-add');
  expect(walk.current.meta?.tag).toContainEqual(addedTag);
  expect(await idsOf(walk, tagOf('added'))).toEqual([walk.current.id]);
}

async function metaDelete(walk: Walk): Promise<void> {
  if (!walk.current.meta?.tag?.some(({ code }) => code === addedTag.code)) await changeMeta(walk, '$meta-add');
  await changeMeta(walk, '$meta-delete');
  expect(walk.current.meta?.tag ?? []).not.toContainEqual(addedTag);
  expect(await idsOf(walk, tagOf('added'))).not.toContain(walk.current.id);
}

const addedTag = { system: 'urn:walk:step', code: 'added' };

async function changeMeta(walk: Walk, operation: string): Promise<void> {
  const body = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [addedTag] } }] };
  const answer = await ask(walk, 'POST', `${place(walk)}/${operation}`, body);
  expectStatus(answer, 200, `${operation} of ${walk.type}`);
  const [{ valueMeta }] = answer.json.parameter;
  expect(valueMeta.versionId).toBe(String(version(walk) + 1));
  walk.current = { ...walk.current, meta: valueMeta };
  await expectRead(walk);
}

/** Without its id, which a search of it would have. */
async function explain(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'GET', `/${walk.type}/$explain?_id=${walk.current.id}`);
  expectStatus(answer, 200, `$explain of ${walk.type}`);
  expect(answer.text).toContain('"valueCode":"page"');
  expect(answer.text).not.toContain(walk.current.id);
}

async function validate(walk: Walk): Promise<void> {
  const answer = await ask(walk, 'POST', `/${walk.type}/$validate`, walk.current);
  expectStatus(answer, 200, `$validate of ${walk.type}`);
  const severities = answer.json.issue.map((issue: { severity: string }) => issue.severity);
  expect([walk.type, severities.includes('error')]).toEqual([walk.type, false]);
}

const roles = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const genders = 'http://hl7.org/fhir/administrative-gender';

/** Of the terminology that every tenant has; what the answer must hold. */
const terminology: Readonly<Record<string, readonly [query: string, expected: string]>> = {
  'CodeSystem/$lookup': [`system=${roles}&code=MTHINLAW`, 'mother-in-law'],
  'CodeSystem/$validate-code': [`url=${roles}&code=MTHINLAW`, '"valueBoolean":true'],
  'CodeSystem/$subsumes': [`system=${roles}&codeA=PRNINLAW&codeB=MTHINLAW`, '"subsumes"'],
  'ValueSet/$expand': ['url=http://hl7.org/fhir/ValueSet/administrative-gender', '"total":4'],
  'StructureDefinition/$snapshot': [
    'url=http://hl7.org/fhir/StructureDefinition/vitalsigns',
    '"path":"Observation.component.interpretation"',
  ],
  'ValueSet/$validate-code': [
    `url=http://hl7.org/fhir/ValueSet/administrative-gender&system=${genders}&code=male`,
    '"valueBoolean":true',
  ],
  'ConceptMap/$translate': [
    'url=http://hl7.org/fhir/ConceptMap/cm-address-use-v3&system=http://hl7.org/fhir/address-use&code=home',
    '"code":"H"',
  ],
};

function terminologyStep(name: string): (walk: Walk) => Promise<void> {
  return async (walk) => {
    const place = `${walk.type}/$${name}`;
    const [query, expected] = terminology[place] as readonly [string, string];
    const answer = await ask(walk, 'GET', `/${place}?${query}`);
    expectStatus(answer, 200, place);
    expect(answer.text).toContain(expected);
  };
}

/** What the clinic's operations say to a call that has too little: they are there, and have tests of their own. */
const incomplete: Readonly<Record<string, readonly ['GET' | 'POST', path: string, status: number]>> = {
  find: ['GET', '/Appointment/$find', 400],
  hold: ['POST', '/Appointment/$hold', 400],
  book: ['POST', '/Appointment/$book', 400],
  queue: ['GET', '/Encounter/$queue', 400],
  match: ['POST', '/Patient/$match', 400],
  merge: ['POST', '/Patient/$merge', 400],
  'merge-undo': ['POST', '/Patient/$merge-undo', 400],
  apply: ['POST', '/ChargeItemDefinition/nothing/$apply', 400],
  'settle-day': ['POST', '/PaymentReconciliation/$settle-day', 400],
  ledger: ['GET', '/Account/nothing/$ledger', 404],
  statement: ['GET', '/Account/nothing/$statement', 404],
  'access-report': ['GET', '/Patient/nothing/$access-report', 404],
  'legal-hold': ['POST', '/Patient/nothing/$legal-hold', 400],
  'legal-holds': ['GET', '/Patient/nothing/$legal-holds', 200],
  verify: ['GET', '/AuditEvent/nothing/$verify', 404],
  'trial-balance': ['GET', '/Account/$trial-balance?asOf=nothing', 400],
  aging: ['GET', '/Account/$aging?asOf=2026', 400],
  'evaluate-measure': ['GET', '/Measure/$evaluate-measure', 400],
  render: ['GET', '/Invoice/nothing/$render', 404],
};

function clinicStep(name: string): (walk: Walk) => Promise<void> {
  return async (walk) => {
    const [method, path, status] = incomplete[name] as NonNullable<(typeof incomplete)[string]>;
    const answer = await ask(walk, method, path, method === 'POST' ? { resourceType: 'Parameters' } : undefined);
    expectStatus(answer, status, path);
    expect(answer.text).not.toContain('is offered');
  };
}

const operations: Readonly<Record<string, (walk: Walk) => Promise<void>>> = {
  ...Object.fromEntries(Object.keys(incomplete).map((name) => [name, clinicStep(name)])),
  meta,
  'meta-add': metaAdd,
  'meta-delete': metaDelete,
  validate,
  explain,
  ...Object.fromEntries(
    ['lookup', 'validate-code', 'subsumes', 'expand', 'translate', 'snapshot'].map((name) => [
      name,
      terminologyStep(name),
    ]),
  ),
};

/** All that is declared of the type; what the walk does not know is a declaration that nobody has proved. */
export async function walkType(walk: Walk): Promise<number> {
  const { interaction = [], operation = [], ...flags } = walk.declared;
  const codes = new Set<string>(interaction.map(({ code }) => code));
  const steps = interactions.filter(([code]) => codes.delete(code)).map(([, step]) => step);
  for (const { name } of operation) steps.push(operations[name] ?? unknownTo(`the operation $${name}`));
  if (flags.updateCreate) steps.push(updateCreate);
  if (flags.conditionalRead === 'full-support') steps.push(conditionalRead);
  if (flags.conditionalCreate) steps.push(conditionalCreate);
  if (flags.conditionalUpdate) steps.push(conditionalUpdate);
  if (flags.conditionalDelete === 'single') steps.push((one) => conditionalDelete(one, 1));
  if (flags.conditionalDelete === 'multiple') steps.push((one) => conditionalDelete(one, 2));
  if (codes.delete('delete')) steps.push(remove);
  for (const code of codes) steps.push(unknownTo(`the interaction ${code}`));
  for (const step of steps) await step(walk);
  return steps.length;
}

function unknownTo(what: string): () => Promise<void> {
  return () => Promise.reject(new Error(`The walk does not know ${what}: teach it.`));
}

function resourcesOf({ json: bundle }: TestResponse): Resource[] {
  return (bundle.entry ?? []).flatMap(({ resource }: { resource?: Resource }) => resource ?? []);
}

async function idsOf(walk: Walk, query: string): Promise<(string | undefined)[]> {
  const answer = await ask(walk, 'GET', `/${walk.type}?${query}`, undefined, { Prefer: 'handling=strict' });
  expectStatus(answer, 200, `${walk.type}?${query}`);
  return resourcesOf(answer).map(({ id }) => id);
}

/** The walk's resource under a tag that no other has, and the criteria that find it. */
function tagged({ current }: Walk): { body: object; query: string } {
  const code = fresh();
  const { id: _id, ...body } = current;
  return { body: { ...body, meta: { tag: [{ system: 'urn:walk:step', code }] } }, query: tagOf(code) };
}

function uniqueTags() {
  let count = 0;
  return {
    fresh: () => `tag-${count++}`,
    tagOf: (code: string) => `_tag=${encodeURIComponent(`urn:walk:step|${code}`)}`,
  };
}
