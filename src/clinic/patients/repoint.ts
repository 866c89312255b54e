// Lets what is about one Patient be about another: new versions, audited and indexed as any others.

import type { Resource } from '@medplum/fhirtypes';
import { forEachReference, parseReference } from '../../fhir/references.ts';
import type { Content, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { keyOf } from '../../repository/target.ts';
import { writeOwn } from '../../repository/write.ts';
import { systemText } from '../../search/token-text.ts';
import type { MergePair } from './merge-inputs.ts';
import { duplicateCode, mergeCode, taskCodeSystem } from './task-codes.ts';

/**
 * What stays as it is: the Patients themselves; what was signed; the ledger, whose entries are never rewritten (who is one
 * person there is found by `patient_merge`: ledger/same-person.ts); and the Tasks that keep earlier merges. An Account keeps
 * its number, which the entries go by, and says by its subject whose it is now.
 */
const keptTypes = ['Patient', 'Provenance'];
const keptTexts = [
  systemText('Basic.code', 'https://hpms.example/fhir/CodeSystem/basic-code', 'ledger-transaction'),
  systemText('Task.code', taskCodeSystem, mergeCode),
];

/** OFFSET 0 keeps the planner from reading all resources. */
const referring = `
  WITH referring AS MATERIALIZED (
    SELECT DISTINCT source_type, source_id FROM reference
    WHERE target_type = 'Patient' AND target_id = $1 AND source_type <> ALL ($2::text[]))
  SELECT r.type, r.id FROM referring
  CROSS JOIN LATERAL (
    SELECT r.* FROM resource r WHERE r.type = source_type AND r.id = source_id AND NOT r.deleted OFFSET 0) r
  WHERE NOT r.tokens && $3::bigint[]`;

function valuesOf({ cipher }: Session, patientId: string): unknown[] {
  return [patientId, keptTypes, `{${keptTexts.map(cipher.tokenOf).join(',')}}`];
}

/** How many of each type there are. */
export async function countReferring(session: Session, patientId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await session.trx.query<{ type: string; count: number }>({
    name: 'count-referring',
    text: `SELECT type, count(*)::int AS count FROM (${referring}) r GROUP BY type ORDER BY type`,
    values: valuesOf(session, patientId),
  });
  return new Map(rows.map(({ type, count }) => [type, count]));
}

/**
 * At most so many; gives the versions it made, as `Type/id/_history/n`. It looks again until there are no more: whoever held a
 * row that it has waited for, as a job that bills a visit does, may have written of the source meanwhile.
 */
export async function repoint(session: Session, pair: MergePair, max: number): Promise<string[]> {
  const versions = new Map<string, string>();
  while (versions.size < max) {
    const found = await lockReferring(session, pair.sourceId, max - versions.size);
    const left = found.filter((one) => !versions.has(keyOf(one.type, one.id)));
    if (left.length === 0) break;
    const intents = left.map(({ type, id }): WriteIntent => {
      return { action: 'patch', type, id, apply: (content) => repointed(session, content, pair) };
    });
    for (const { type, id, versionId } of await writeOwn(session, intents)) {
      versions.set(keyOf(type, id), `${type}/${id}/_history/${versionId}`);
    }
  }
  return [...versions.values()];
}

/** In the order in which every write locks its rows; what somebody else deletes meanwhile is left out. */
async function lockReferring(
  session: Session,
  patientId: string,
  max: number,
): Promise<{ type: string; id: string }[]> {
  const found = await session.trx.query<{ type: string; id: string }>({
    name: 'find-referring',
    text: `${referring} ORDER BY r.type, r.id LIMIT $4`,
    values: [...valuesOf(session, patientId), max],
  });
  if (found.length === 0) return [];
  return await session.trx.query<{ type: string; id: string }>({
    name: 'lock-referring',
    text: `SELECT type, id FROM resource WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND NOT deleted
           ORDER BY type, id FOR UPDATE`,
    values: [found.map(({ type }) => type), found.map(({ id }) => id)],
  });
}

/** A version of the source that was named is not one of the target. */
function repointed({ repository }: Session, content: Content, { sourceId, targetId }: MergePair): Content {
  const resource: Resource = structuredClone(content.resource);
  forEachReference(repository.definitions, resource, (reference) => {
    const target = parseReference(reference.reference);
    if (target.kind === 'resource' && target.type === 'Patient' && target.id === sourceId) {
      reference.reference = `Patient/${targetId}`;
    }
  });
  return { ...content, resource: answered(resource) };
}

/** Whether two are one person is no question any more for those who are one. */
function answered(resource: Resource): Resource {
  if (resource.resourceType !== 'Task' || resource.status !== 'requested') return resource;
  const { focus, input = [] } = resource;
  const isDuplicate = resource.code?.coding?.some(
    ({ system, code }) => system === taskCodeSystem && code === duplicateCode,
  );
  const isOne = input.some(({ valueReference }) => valueReference?.reference === focus?.reference);
  return isDuplicate && isOne ? { ...resource, status: 'completed' } : resource;
}
