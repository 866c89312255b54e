// What a server of two types holds, as plain maps, and what R4 says each write of it must be answered: https://hl7.org/fhir/R4/http.html

export const modelTypes = ['Patient', 'Observation'] as const;
export type ModelType = (typeof modelTypes)[number];

/** All that differs between two resources of a type. */
export interface Content {
  /** Stands for a gender or a status. */
  readonly word: number;
  /** Stand for identifiers. */
  readonly numbers: readonly number[];
  readonly subject?: string;
}

export interface Version {
  readonly versionId: number;
  /** Undefined for a deletion. */
  readonly content: Content | undefined;
  readonly method: 'POST' | 'PUT' | 'DELETE';
}

/** A version, or any version at all. */
export type VersionTest = number | '*';
export type Target =
  | { readonly id: string; readonly number?: never }
  | { readonly number: number; readonly id?: never };

export interface Patch {
  readonly language: 'json' | 'merge' | 'fhirpath';
  readonly what: 'word' | 'numbers' | 'drop' | 'invalid' | 'fails' | 'malformed';
  readonly word: number;
  readonly numbers: readonly number[];
}

interface About {
  readonly type: ModelType;
}

export interface Create extends About {
  readonly kind: 'create';
  readonly content: Content;
  readonly isValid: boolean;
  readonly ifNoneExist?: number | undefined;
}

export interface Update extends About {
  readonly kind: 'update';
  readonly target: Target;
  readonly content: Content;
  readonly isValid: boolean;
  readonly bodyId?: string | undefined;
  readonly ifMatch?: VersionTest | undefined;
  readonly ifNoneMatch?: VersionTest | undefined;
}

export interface PatchOf extends About {
  readonly kind: 'patch';
  readonly target: Target;
  readonly patch: Patch;
  readonly ifMatch?: VersionTest | undefined;
}

export interface Delete extends About {
  readonly kind: 'delete';
  readonly target: Target;
  readonly ifMatch?: VersionTest | undefined;
}

export type Read = About & { readonly kind: 'read'; readonly id: string };
export type Search = About & { readonly kind: 'search'; readonly number: number };
export type Action = Create | Update | PatchOf | Delete | Read | Search;

export interface Change {
  /** Undefined for an id that the server is to make. */
  readonly id: string | undefined;
  readonly content: Content | undefined;
  readonly method: Version['method'];
}

export interface Verdict {
  readonly status: number;
  readonly changes: readonly Change[];
  /** The version that ETag and Location name; its id is undefined while nobody knows it. */
  readonly about?: { readonly id: string | undefined; readonly versionId: number };
  /** The resources it is about, also when it is refused: no other entry of a transaction may be. */
  readonly ids: readonly string[];
}

export class Model {
  /** By `Type/id`, oldest first. */
  readonly resources = new Map<string, Version[]>();

  versions(type: ModelType, id: string): readonly Version[] {
    return this.resources.get(`${type}/${id}`) ?? [];
  }

  /** The last version, a deletion too. */
  last(type: ModelType, id: string): Version | undefined {
    return this.versions(type, id).at(-1);
  }

  ids(type: ModelType): string[] {
    return [...this.resources.keys()]
      .filter((key) => key.startsWith(`${type}/`))
      .map((key) => key.split('/')[1] as string);
  }

  /** Ids of those that have the identifier now. */
  matches(type: ModelType, number: number): string[] {
    return this.ids(type).filter((id) => this.last(type, id)?.content?.numbers.includes(number));
  }

  store(type: ModelType, id: string, { content, method }: Change): void {
    const versions = this.resources.get(`${type}/${id}`) ?? [];
    versions.push({ versionId: versions.length + 1, content, method });
    this.resources.set(`${type}/${id}`, versions);
  }

  copy(): Model {
    const copy = new Model();
    for (const [key, versions] of this.resources) copy.resources.set(key, [...versions]);
    return copy;
  }
}

const refused = (status: number, ids: readonly string[] = []): Verdict => ({ status, changes: [], ids });

/** What the action alone is answered. */
export function judge(model: Model, action: Action): Verdict {
  if (action.kind === 'create') return judgeCreate(model, action);
  if (action.kind === 'update') return judgeUpdate(model, action);
  if (action.kind === 'patch') return judgePatch(model, action);
  if (action.kind === 'delete') return judgeDelete(model, action);
  return action.kind === 'read' ? judgeRead(model, action) : { status: 200, changes: [], ids: [] };
}

/** https://hl7.org/fhir/R4/http.html#ccreate */
function judgeCreate(model: Model, { type, content, isValid, ifNoneExist }: Create): Verdict {
  const [found, another] = ifNoneExist === undefined ? [] : model.matches(type, ifNoneExist);
  if (another !== undefined) return refused(412);
  if (found !== undefined) return answered(model, type, found, 200);
  if (!isValid) return refused(422);
  return {
    status: 201,
    changes: [{ id: undefined, content, method: 'POST' }],
    about: { id: undefined, versionId: 1 },
    ids: [],
  };
}

function answered(model: Model, type: ModelType, id: string, status: number): Verdict {
  return { status, changes: [], about: { id, versionId: model.versions(type, id).length }, ids: [id] };
}

/** https://hl7.org/fhir/R4/http.html#cond-update */
function judgeUpdate(model: Model, action: Update): Verdict {
  const { type, target, bodyId } = action;
  if (target.id !== undefined) return bodyId === target.id ? replace(model, action, target.id) : refused(400);
  const [found, another] = model.matches(type, target.number);
  if (another !== undefined) return refused(412);
  if (found !== undefined)
    return bodyId === undefined || bodyId === found ? replace(model, action, found) : refused(400);
  return replace(model, action, bodyId);
}

/** Of an id that only the body of a conditional update names nothing may be there. */
function replace(model: Model, action: Update, id: string | undefined): Verdict {
  const { type, target, content, isValid, ifMatch, ifNoneMatch } = action;
  const ids = id === undefined ? [] : [id];
  const current = id === undefined ? undefined : model.last(type, id);
  if (ifMatch !== undefined && !passes(ifMatch, current)) return refused(412, ids);
  if (ifNoneMatch !== undefined && passes(ifNoneMatch, current)) return refused(412, ids);
  const wasFound = target.id !== undefined || (id !== undefined && model.matches(type, target.number).includes(id));
  if (!wasFound && current?.content) return refused(409, ids);
  if (!isValid) return refused(422, ids);
  const versionId = (current?.versionId ?? 0) + 1;
  return { status: current ? 200 : 201, changes: [{ id, content, method: 'PUT' }], about: { id, versionId }, ids };
}

/** https://hl7.org/fhir/R4/http.html#concurrency: a deletion has a version, but is nothing that exists. */
function passes(test: VersionTest, current: Version | undefined): boolean {
  return test === '*' ? current?.content !== undefined : current?.versionId === test;
}

/** https://hl7.org/fhir/R4/http.html#patch */
function judgePatch(model: Model, { type, target, patch, ifMatch }: PatchOf): Verdict {
  if (patch.what === 'malformed') return refused(400, target.id === undefined ? [] : [target.id]);
  const [id, another] = target.id === undefined ? model.matches(type, target.number) : [target.id];
  if (another !== undefined) return refused(412);
  const current = id === undefined ? undefined : model.last(type, id);
  if (id === undefined || !current) return refused(404, id === undefined ? [] : [id]);
  if (!current.content) return refused(410, [id]);
  if (ifMatch !== undefined && !passes(ifMatch, current)) return refused(412, [id]);
  const content = patched(type, current.content, patch);
  if (!content) return refused(422, [id]);
  return {
    status: 200,
    changes: [{ id, content, method: 'PUT' }],
    about: { id, versionId: current.versionId + 1 },
    ids: [id],
  };
}

/** Undefined when it cannot be done, or what comes out of it is not valid. */
function patched(type: ModelType, content: Content, { language, what, word, numbers }: Patch): Content | undefined {
  if (what === 'word') return { ...content, word };
  if (what === 'numbers') {
    return { ...content, numbers: language === 'fhirpath' ? [...content.numbers, ...numbers.slice(0, 1)] : numbers };
  }
  if (what !== 'drop') return undefined;
  if (language === 'merge') return { ...content, numbers: [] };
  // What is not there cannot be removed by a JSON Patch; a FHIRPath Patch deletes it "if found". A Patient always has the clinic's
  // own number too, which the server gives again.
  return language === 'json' && content.numbers.length === 0 && type !== 'Patient'
    ? undefined
    : { ...content, numbers: content.numbers.slice(1) };
}

/** https://hl7.org/fhir/R4/http.html#3.1.0.7.1 */
function judgeDelete(model: Model, { type, target, ifMatch }: Delete): Verdict {
  const ids = target.id === undefined ? model.matches(type, target.number) : [target.id];
  if (target.id === undefined && ifMatch !== undefined && ids.length !== 1) return refused(412);
  if (ids.length > 1) return { status: 200, changes: ids.map(deletionOf), ids };
  const [id] = ids;
  if (id === undefined) return { status: 204, changes: [], ids: [] };
  const current = model.last(type, id);
  if (ifMatch !== undefined && !passes(ifMatch, current)) return refused(412, ids);
  if (!current) return { status: 204, changes: [], ids };
  if (!current.content) return answered(model, type, id, 204);
  return { status: 204, changes: [deletionOf(id)], about: { id, versionId: current.versionId + 1 }, ids };
}

function deletionOf(id: string): Change {
  return { id, content: undefined, method: 'DELETE' };
}

function judgeRead(model: Model, { type, id }: Read): Verdict {
  const current = model.last(type, id);
  if (!current) return refused(404);
  return current.content ? answered(model, type, id, 200) : refused(410);
}

/** What the subject of an entry's Observation refers to: another entry, or the Patient with an identifier. */
export type Link =
  | { readonly entry: number; readonly number?: never }
  | { readonly number: number; readonly entry?: never };

export interface Entry {
  readonly action: Action;
  readonly link?: Link | undefined;
}

export interface Failure {
  readonly index: number;
  readonly status: number;
}

export interface TransactionVerdict {
  /** All that is wrong with it; a server may answer any of these. */
  readonly failures: readonly Failure[];
  readonly verdicts: readonly Verdict[];
  /** The model afterwards, where new ids are `new-0`, `new-1`, ... by the index of their entries. */
  readonly after: Model;
}

/** Criteria are read before anything is written, all reads and conditional references after it: https://hl7.org/fhir/R4/http.html#trules */
export function judgeTransaction(model: Model, entries: readonly Entry[]): TransactionVerdict {
  const before = entries.map(({ action }) => judge(model, action));
  const after = model.copy();
  for (const [index, { changes }] of before.entries()) {
    const { type } = (entries[index] as Entry).action;
    for (const change of changes) after.store(type, change.id ?? newIdOf(index), change);
  }
  const verdicts = entries.map(
    ({ action }, index) => (isWrite(action) ? before[index] : judge(after, action)) as Verdict,
  );
  const failures = [
    ...entries.flatMap(({ action }, index) =>
      failureOf(index, isWrite(action) ? (verdicts[index] as Verdict).status : 200),
    ),
    ...sharing(
      entries.map(({ action }, index) =>
        (verdicts[index]?.ids ?? []).map((id) => (isWrite(action) ? `${action.type}/${id}` : '')),
      ),
    ),
    ...sharing(
      entries.map(({ action }) => (criteriaOf(action) === undefined ? [] : [`${action.type}?${criteriaOf(action)}`])),
    ),
    ...entries.flatMap(({ link }, index) =>
      failureOf(index, link?.number === undefined || after.matches('Patient', link.number).length === 1 ? 200 : 412),
    ),
  ];
  const reads = entries.flatMap((_, index) => failureOf(index, (verdicts[index] as Verdict).status));
  return { failures: failures.length > 0 ? failures : reads, verdicts, after };
}

function newIdOf(index: number): string {
  return `new-${index}`;
}

function failureOf(index: number, status: number): Failure[] {
  return status < 400 ? [] : [{ index, status }];
}

/** One resource cannot be written twice in a transaction, nor can one set of criteria be used twice. */
function sharing(names: readonly (readonly string[])[]): Failure[] {
  return names.flatMap((own, index) => {
    const others = names.flatMap((other, at) => (at === index ? [] : other));
    return own.some((name) => name !== '' && others.includes(name)) ? [{ index, status: 400 }] : [];
  });
}

export function isWrite({ kind }: Action): boolean {
  return kind !== 'read' && kind !== 'search';
}

export function criteriaOf(action: Action): number | undefined {
  if (action.kind === 'create') return action.ifNoneExist;
  return action.kind === 'read' || action.kind === 'search' ? undefined : action.target.number;
}
