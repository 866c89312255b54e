// Changes the meta of a resource by way of the write path: a new version, audited and indexed as any other.

import type { Meta, Resource } from '@medplum/fhirtypes';
import { may } from '../access/may.ts';
import { parseJson } from '../fhir/json.ts';
import { fhirError, gone, notFound } from '../fhir/outcome.ts';
import type { Content } from '../repository/change.ts';
import { findExact, markExact } from '../repository/exact-tree.ts';
import { find, type ReadVersion } from '../repository/read.ts';
import { meetsRows, rowsOf } from '../repository/row-access.ts';
import type { Session } from '../repository/session.ts';
import { parseBody, type StoredVersion } from '../repository/stored-version.ts';
import { passesTest } from '../repository/version-test.ts';
import { write } from '../repository/write.ts';
import { answerMeta } from './answer-meta.ts';
import { countOfMeta, type MetaChange } from './change-meta.ts';
import type { InputValue, OperationCall } from './operation.ts';

export interface MetaWrite {
  readonly change: MetaChange;
  readonly removesLabels?: boolean;
}

/**
 * R4 took out the sentence of earlier releases that no version is made and that earlier versions can be changed: an earlier
 * version stays here what it was, and who added or took a security label is in the history and in an AuditEvent.
 */
export async function writeMeta(
  session: Session,
  call: OperationCall,
  { change, removesLabels }: MetaWrite,
): Promise<Content> {
  const { type, id, ifMatchVersionId } = call;
  const [given] = call.inputs.get('meta') as readonly [InputValue];
  requireIdentities(given.value as Meta);
  const version = await currentVersion(session, type, id);
  const current = contentOf(version.body.toString());
  const isExpected = ifMatchVersionId === undefined || passesTest(ifMatchVersionId, version);
  // A set that holds it all already is not changed by adding it again, so there is nothing to write.
  if (isExpected && !changes(current.resource, given.value as Meta, change)) return await answerFor(session, current);
  const apply = (content: Content) => changeContent(content, given, change);
  const precondition = ifMatchVersionId === undefined ? {} : { ifMatchVersionId };
  const labels = removesLabels ? { removesLabels: true as const } : {};
  const [result] = await write(session, [{ action: 'patch', type, id, apply, ...precondition, ...labels }]);
  return await answerFor(session, contentOf(result?.json ?? ''));
}

async function currentVersion(session: Session, type: string, id: string): Promise<ReadVersion> {
  const version = await find(session, type, id);
  if (!version || !(await mayWriteOn(session, version))) throw notFound(type, id);
  if (!version.body) throw gone(type, id);
  return version as ReadVersion;
}

/** The answer shows the meta, also where nothing is changed. Of a deletion those hear who may write every row. */
async function mayWriteOn(session: Session, version: StoredVersion): Promise<boolean> {
  const resource = parseBody(version);
  return resource ? await meetsRows(session, 'u', resource) : !rowsOf(session, 'u', version.type);
}

/** An empty Parameters for who may change it and not read it (repository/blind-writes.ts): an operation has an answer. */
async function answerFor(session: Session, content: Content): Promise<Content> {
  const { resource, exactNumbers } = content;
  const isSeen =
    may(session.caller, 'r', resource.resourceType) && (await meetsRows(session, 'r', resource, exactNumbers));
  return isSeen ? answerMeta(content) : { resource: { resourceType: 'Parameters' } };
}

function contentOf(json: string): Content {
  const { value, exactNumbers } = parseJson(json);
  return { resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
}

function changes(resource: Resource, given: Meta, change: MetaChange): boolean {
  const meta = resource.meta ?? {};
  return countOfMeta(change(meta, given)) !== countOfMeta(meta);
}

/** The same change on trees that carry the texts of their numbers tells where these are afterwards. */
function changeContent({ resource, exactNumbers }: Content, given: InputValue, change: MetaChange): Content {
  const changed = { ...resource, meta: change(resource.meta ?? {}, given.value as Meta) } as Resource;
  if (!exactNumbers && !given.exactNumbers) return { resource: changed };
  const marked = markExact(resource, exactNumbers) as Resource;
  const markedMeta = change(marked.meta ?? {}, markExact(given.value, given.exactNumbers) as Meta);
  return { resource: changed, exactNumbers: findExact({ ...marked, meta: markedMeta }) };
}

/** System and code are what a tag is known by: one without a code could be neither matched nor taken away again. */
function requireIdentities(meta: Meta): void {
  for (const kind of ['tag', 'security'] as const) {
    const index = meta[kind]?.findIndex(({ code }) => code === undefined) ?? -1;
    if (index < 0) continue;
    throw fhirError('required', `A ${kind} is known by its system and code; this one has no code.`, {
      expression: `Parameters.parameter.where(name = 'meta').value.${kind}[${index}].code`,
    });
  }
}
