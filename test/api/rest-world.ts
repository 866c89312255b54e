// Two tenants of one server and the models of both: plays commands, compares answers, and looks at all that is stored.

import { expect } from '@jest/globals';
import type { TestResponse, TestServer, TestTenant } from '../support/server.ts';
import { expectRefusal } from './refusals.ts';
import { actionOf, type Command, type Draft, entriesOf, numbersMax } from './rest-drafts.ts';
import {
  type Action,
  criteriaOf,
  type Entry,
  judge,
  judgeTransaction,
  Model,
  type ModelType,
  modelTypes,
  type Verdict,
  type Version,
} from './rest-model.ts';
import { criteria, entryOf, render, resourceOf } from './rest-requests.ts';

type Json = TestResponse['json'];

interface Side {
  readonly tenant: TestTenant;
  readonly model: Model;
}

/** How often each kind of command had each outcome. */
export type Counts = Map<string, number>;

const wholePage = 1_000;

/** The number that the clinic gives its patients is not the model's business. */
function withoutNumber(resource: Json): Json {
  if (!Array.isArray(resource.identifier)) return resource;
  const { identifier, ...rest } = resource;
  const others = identifier.filter(({ system }: Json) => system !== 'https://hpms.example/fhir/sid/patient');
  return others.length === 0 ? rest : { ...rest, identifier: others };
}

export class World {
  readonly #a: Side;
  readonly #b: Side;
  readonly #system: string;
  readonly #since: string;
  readonly #counts: Counts;
  /** Ids of clients, the same in both tenants. */
  readonly #ownIds: Readonly<Record<ModelType, readonly string[]>>;

  /** Nothing that was written before belongs to it, nor has its ids and identifiers. */
  static async begin(server: TestServer, name: string, counts: Counts): Promise<World> {
    const lastMs = Date.now();
    // Times of versions have milliseconds: the next one is the first of its own.
    while (Date.now() === lastMs) await new Promise(setImmediate);
    return new World(server, name, counts);
  }

  private constructor(server: TestServer, name: string, counts: Counts) {
    this.#a = { tenant: server.a, model: new Model() };
    this.#b = { tenant: server.b, model: new Model() };
    this.#system = `urn:model:${name}`;
    this.#since = new Date().toISOString();
    this.#counts = counts;
    const own = (type: string) => [0, 1, 2].map((number) => `${name}-${type[0]}${number}`);
    this.#ownIds = { Patient: own('Patient'), Observation: own('Observation') };
  }

  /** In their order; of neighbours of two tenants neither waits for the other. */
  async runAll(commands: readonly Command[]): Promise<void> {
    for (let at = 0; at < commands.length; at++) {
      const [one, other] = commands.slice(at, at + 2) as [Command, Command?];
      if (!other || other.tenant === one.tenant) await this.#run(one);
      else {
        // What both mean is said before the first of them is sent, so that the seed alone decides it.
        await Promise.all([this.#run(one), this.#run(other)]);
        this.#count('two tenants at once', 200);
        at += 1;
      }
    }
  }

  async #run(command: Command): Promise<void> {
    const side = command.tenant === 'a' ? this.#a : this.#b;
    if (command.kind === 'one') await this.#one(side, command.draft);
    else if (command.kind === 'batch') await this.#batch(side, command.drafts);
    else if (command.kind === 'transaction') await this.#transaction(side, command.drafts);
    else await this.#look(side);
  }

  /** Everything of both tenants, as it is now and as it was. */
  async compareAll(): Promise<void> {
    await Promise.all([this.#look(this.#a), this.#look(this.#b)]);
  }

  #actionOf({ model }: Side, draft: Draft): Action {
    return actionOf(draft, model, this.#idsOf(draft.type));
  }

  /** Those of clients, and those the server made in either tenant. */
  #idsOf(type: ModelType): string[] {
    return [...new Set([...this.#ownIds[type], ...this.#a.model.ids(type), ...this.#b.model.ids(type)])];
  }

  #count(name: string, status: number): void {
    const key = `${name} ${status}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  async #one(side: Side, draft: Draft): Promise<void> {
    const action = this.#actionOf(side, draft);
    const verdict = judge(side.model, action);
    const { method, path, body, headers } = render(action, this.#system);
    const answer = await side.tenant.request(method, path, body, headers);
    expect(answer.status).toBe(verdict.status);
    for (const name of namesOf(action)) this.#count(name, answer.status);
    if (answer.status >= 400) return expectRefusal(answer);
    if (bringsBack(side.model, action.type, verdict)) this.#count('update brings back', answer.status);
    const id = answer.json?.id as string | undefined;
    this.#store(side, action.type, verdict, id);
    const etag = answer.headers.get('ETag');
    expect(etag).toBe(verdict.about ? `W/"${verdict.about.versionId}"` : null);
    const location = answer.headers.get('Location');
    expect(location).toBe(hasLocation(action, verdict) ? this.#locationOf(side, action.type, verdict, id) : null);
    if (answer.status === 204) return expect(answer.text).toBe('');
    if (action.kind === 'search') return this.#expectMatches(side, action.type, action.number, answer.json);
    if (action.kind === 'delete') {
      return expect(answer.json.issue[0].diagnostics).toContain(`${verdict.changes.length} ${action.type}`);
    }
    expect(id).toBe(verdict.about?.id ?? id);
    this.#expectCurrent(side, action.type, answer.json);
    const lastUpdated = new Date(answer.json.meta.lastUpdated);
    expect(answer.headers.get('Last-Modified')).toBe(lastUpdated.toUTCString());
  }

  /** What a verdict says is written; the server has made the id where there was none. */
  #store({ model }: Side, type: ModelType, { changes }: Verdict, newId: string | undefined): void {
    for (const change of changes) {
      const id = change.id ?? newId ?? '';
      if (change.id === undefined) expect(model.versions(type, id)).toEqual([]);
      model.store(type, id, change);
    }
  }

  #locationOf({ tenant }: Side, type: ModelType, { about }: Verdict, newId: string | undefined): string {
    return `${tenant.baseUrl}/${type}/${about?.id ?? newId}/_history/${about?.versionId}`;
  }

  async #batch(side: Side, drafts: readonly Draft[]): Promise<void> {
    const actions = drafts.map((draft) => this.#actionOf(side, draft));
    const answer = await this.#send(
      side,
      'batch',
      actions.map((action) => entryOf(render(action, this.#system))),
    );
    expect([answer.status, answer.json.type]).toEqual([200, 'batch-response']);
    for (const [index, action] of actions.entries()) {
      const verdict = judge(side.model, action);
      const { response, resource } = answer.json.entry[index];
      expect(response.status.slice(0, 3)).toBe(String(verdict.status));
      this.#count(`batch: ${action.kind}`, verdict.status);
      if (verdict.status >= 400) expect(response.outcome.resourceType).toBe('OperationOutcome');
      else {
        this.#store(side, action.type, verdict, resource?.id);
        this.#expectEntry(side, action, verdict, { response, resource, newId: resource?.id });
      }
    }
  }

  async #transaction(side: Side, drafts: readonly Draft[]): Promise<void> {
    const entries = entriesOf(
      drafts,
      drafts.map((draft) => this.#actionOf(side, draft)),
    );
    const { failures, verdicts, after } = judgeTransaction(side.model, entries);
    const answer = await this.#send(
      side,
      'transaction',
      entries.map((entry, index) => this.#entryText(entry, index)),
    );
    this.#count('transaction', answer.status);
    if (failures.length > 0) {
      expectRefusal(answer);
      return expect(failures).toContainEqual({ index: namedEntry(answer), status: answer.status });
    }
    expect([answer.status, answer.json.type]).toEqual([200, 'transaction-response']);
    const newIds = answer.json.entry.map(({ resource, response }: Json) => resource?.id ?? idOf(response.location));
    const resolved = verdicts.map((verdict, index) => this.#linked(after, entries, { verdict, index, newIds }));
    // All is written before the first answer is looked at, for reads and searches see it wherever they stand.
    for (const [index, { action }] of entries.entries()) {
      this.#store(side, action.type, resolved[index] as Verdict, newIds[index]);
    }
    for (const [index, { action, link }] of entries.entries()) {
      const verdict = resolved[index] as Verdict;
      this.#count(`transaction: ${action.kind}`, verdict.status);
      if (link) this.#count(link.entry === undefined ? 'conditional reference' : 'link between entries', 200);
      this.#expectEntry(side, action, verdict, { ...answer.json.entry[index], newId: newIds[index] });
    }
  }

  #send({ tenant }: Side, type: string, entry: readonly object[]): Promise<TestResponse> {
    return tenant.request('POST', '', { resourceType: 'Bundle', type, entry });
  }

  #entryText({ action, link }: Entry, index: number): object {
    const subject =
      link && (link.entry === undefined ? `Patient?${criteria(this.#system, link.number)}` : urnOf(link.entry));
    return entryOf(render(action, this.#system, subject), urnOf(index));
  }

  /** The verdict with the subject that the link turns out to be. */
  #linked(
    after: Model,
    entries: readonly Entry[],
    { verdict, index, newIds }: { verdict: Verdict; index: number; newIds: readonly string[] },
  ): Verdict {
    const link = entries[index]?.link;
    if (!link) return verdict;
    const [found] = link.entry === undefined ? after.matches('Patient', link.number) : [newIds[link.entry]];
    const id = found?.replace(/^new-(\d+)$/, (_, at) => newIds[Number(at)] ?? '');
    const subject = `Patient/${id}`;
    const changes = verdict.changes.map((change) => ({
      ...change,
      ...(change.content && { content: { ...change.content, subject } }),
    }));
    return { ...verdict, changes };
  }

  #expectEntry(side: Side, action: Action, verdict: Verdict, { response, resource, newId: id }: Json): void {
    const { type } = action;
    expect(response.status.slice(0, 3)).toBe(String(verdict.status));
    expect(response.etag).toBe(verdict.about ? `W/"${verdict.about.versionId}"` : undefined);
    if (action.kind === 'delete') expect(resource).toBeUndefined();
    else if (action.kind === 'search') this.#expectMatches(side, type, action.number, resource);
    else {
      if (action.kind !== 'read') expect(response.location).toBe(this.#locationOf(side, type, verdict, id));
      expect(resource.id).toBe(verdict.about?.id ?? id);
      this.#expectCurrent(side, type, resource);
      expect(response.lastModified).toBe(resource.meta.lastUpdated);
    }
  }

  #expectCurrent({ model }: Side, type: ModelType, resource: Json): void {
    this.#expectVersion(type, resource, model.last(type, resource.id));
  }

  #expectVersion(type: ModelType, resource: Json, version: Version | undefined): void {
    if (!version?.content) throw new Error(`The model has no ${type}/${resource?.id}.`);
    const { id, meta, ...rest } = resource;
    expect(meta).toEqual({ versionId: String(version.versionId), lastUpdated: expect.stringMatching(/^20.*Z$/) });
    expect(withoutNumber(rest)).toEqual(resourceOf(type, version.content, this.#system));
  }

  #expectMatches({ model }: Side, type: ModelType, number: number, bundle: Json): void {
    const found = (bundle.entry ?? []).map(({ resource }: Json) => resource);
    expect(found.map(({ id }: Json) => id).sort()).toEqual(model.matches(type, number).sort());
    expect(bundle.total).toBe(found.length);
    for (const resource of found) this.#expectVersion(type, resource, model.last(type, resource.id));
  }

  async #look(side: Side): Promise<void> {
    this.#count('look', 200);
    for (const type of modelTypes) {
      await Promise.all(this.#idsOf(type).map((id) => this.#expectInstance(side, type, id)));
      for (let number = 0; number <= numbersMax; number++) {
        const { json } = await side.tenant.request(
          'GET',
          `/${type}?${criteria(this.#system, number)}&_count=${wholePage}`,
        );
        this.#expectMatches(side, type, number, json);
      }
      await this.#expectHistory(side, `/${type}/_history`, [type]);
    }
    await this.#expectHistory(side, '/_history', modelTypes);
  }

  /** Read, every version, and the history. */
  async #expectInstance({ tenant, model }: Side, type: ModelType, id: string): Promise<void> {
    const get = (path: string) => tenant.request('GET', `/${type}/${id}${path}`);
    const versions = model.versions(type, id);
    const read = await get('');
    expect(read.status).toBe(judge(model, { kind: 'read', type, id }).status);
    if (read.status === 200) this.#expectVersion(type, read.json, versions.at(-1));
    const history = await get('/_history');
    expect(history.status).toBe(versions.length === 0 ? 404 : 200);
    const entries: Json[] = history.json.entry ?? [];
    expect(entries.map(({ response }) => response.etag)).toEqual(
      versions.map(({ versionId }) => `W/"${versionId}"`).reverse(),
    );
    if (history.status === 200) expect(history.json.total).toBe(versions.length);
    for (const [index, version] of versions.entries()) {
      const vread = await get(`/_history/${version.versionId}`);
      expect(vread.status).toBe(version.content ? 200 : 410);
      const entry = entries[versions.length - 1 - index];
      this.#expectHistoryEntry(tenant, type, entry, version);
      if (version.content) expect(vread.json).toEqual(entry.resource);
    }
    expect((await get(`/_history/${versions.length + 1}`)).status).toBe(404);
  }

  #expectHistoryEntry({ baseUrl }: TestTenant, type: ModelType, entry: Json, version: Version): void {
    const id = idOf(`${entry.fullUrl}/_history/`);
    expect(entry.fullUrl).toBe(`${baseUrl}/${type}/${id}`);
    // A version does not tell whether a new id came about by POST or by a conditional PUT.
    if (version.versionId > 1 || this.#ownIds[type].includes(id)) expect(entry.request.method).toBe(version.method);
    if (version.content) this.#expectVersion(type, entry.resource, version);
    else expect(entry.resource).toBeUndefined();
    if (version.content) expect(entry.response.lastModified).toBe(entry.resource.meta.lastUpdated);
  }

  /** All versions that the tenant has made since the beginning, newest first, page by page. */
  async #expectHistory({ tenant, model }: Side, path: string, types: readonly ModelType[]): Promise<void> {
    const entries: Json[] = [];
    let next: string | undefined = `${path}?_since=${this.#since}&_count=${types.length > 1 ? 7 : wholePage}`;
    while (next !== undefined) {
      const { status, json }: TestResponse = await tenant.request('GET', next);
      expect(status).toBe(200);
      entries.push(...(json.entry ?? []));
      const link: { url: string } | undefined = json.link.find(({ relation }: Json) => relation === 'next');
      next = link?.url.slice(tenant.baseUrl.length);
    }
    const found = entries.map(
      ({ fullUrl, response }) => `${fullUrl.slice(tenant.baseUrl.length + 1)} ${response.etag}`,
    );
    const expected = [...model.resources]
      .filter(([key]) => types.some((type) => key.startsWith(`${type}/`)))
      .flatMap(([key, versions]) => versions.map(({ versionId }) => `${key} W/"${versionId}"`));
    expect([...found].sort()).toEqual(expected.sort());
    const times = entries.map(({ response }) => response.lastModified as string);
    expect(times).toEqual([...times].sort().reverse());
    for (const entry of entries) {
      const [type = '', id = ''] = entry.fullUrl.slice(tenant.baseUrl.length + 1).split('/');
      const version = model.versions(type as ModelType, id)[Number(entry.response.etag.slice(3, -1)) - 1];
      this.#expectHistoryEntry(tenant, type as ModelType, entry, version as Version);
    }
  }
}

/** A patch is counted as what it is, and as one of its language. */
function namesOf(action: Action): string[] {
  const { kind } = action;
  if (kind === 'read' || kind === 'search') return [kind];
  const name = criteriaOf(action) === undefined ? `${kind}${testOf(action)}` : `${kind} by criteria`;
  return kind === 'patch' ? [name, `${action.patch.language} ${kind}`] : [name];
}

function testOf(action: Action): string {
  if ('ifMatch' in action && action.ifMatch !== undefined) return ' if-match';
  return 'ifNoneMatch' in action && action.ifNoneMatch !== undefined ? ' if-none-match' : '';
}

/** Of what was created, and of what a conditional create has found instead. */
function hasLocation({ kind }: Action, { status }: Verdict): boolean {
  return status === 201 || kind === 'create';
}

function bringsBack(model: Model, type: ModelType, { changes }: Verdict): boolean {
  return changes.some(({ id, content }) => {
    const last = id === undefined ? undefined : model.last(type, id);
    return content !== undefined && last !== undefined && last.content === undefined;
  });
}

function urnOf(index: number): string {
  return `urn:uuid:00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

function idOf(location: string | undefined): string {
  return /([^/]+)\/_history\//.exec(location ?? '')?.[1] ?? '';
}

/** The index in the first `Bundle.entry[index]` of an OperationOutcome. */
function namedEntry({ json }: TestResponse): number {
  const [expression = ''] = json.issue[0].expression ?? [];
  return Number(/^Bundle\.entry\[(\d+)\]/.exec(expression)?.[1] ?? -1);
}
