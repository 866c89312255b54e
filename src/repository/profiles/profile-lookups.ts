// What a profile asks beyond the resource, answered from the tenant's own records and terminology.

import type { ValueSet } from '@medplum/fhirtypes';
import { may } from '../../access/may.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import { type Verdict, validateCode, validateInValueSet } from '../../terminology/validate-code.ts';
import type { Lookups, MemberQuestion } from '../../validation/profiles/check-with-lookups.ts';
import type { ProfileRegistry } from '../../validation/profiles/registry.ts';
import type { Change } from '../change.ts';
import type { Session } from '../session.ts';
import { openVersions, parseBody, type VersionRow, versionColumns } from '../stored-version.ts';
import { isVisible } from '../visible.ts';

/** Resources of the same transaction are taken as they will be; what the caller may not see is as if it were not there. */
export function profileLookups(
  session: Session,
  { compiler: { profiles } }: ProfileRegistry,
  changes: readonly Change[] = [],
): Lookups {
  return {
    resources: (references) => findResources(session, changes, references),
    members: async (questions) => {
      const answers: (boolean | undefined)[] = [];
      for (const question of questions) {
        const contained = profiles.contained(question.valueSet);
        const isInline = contained?.resourceType === 'ValueSet';
        answers.push(isInline ? await isIn(session, contained, question) : await isMember(session, question));
      }
      return answers;
    },
  };
}

async function findResources(
  session: Session,
  changes: readonly Change[],
  references: readonly string[],
): Promise<Map<string, object>> {
  const written = new Map(changes.map((change) => [`${change.type}/${change.id}`, change]));
  const found = new Map<string, object>();
  const wanted = new Map<string, string[]>();
  for (const reference of references) {
    const target = parseReference(reference);
    if (target.kind !== 'resource' || target.versionId !== undefined) continue;
    const key = `${target.type}/${target.id}`;
    const change = written.get(key);
    if (change?.resource) found.set(reference, change.resource);
    else if (!change && may(session.caller, 'r', target.type)) wanted.set(key, [...(wanted.get(key) ?? []), reference]);
  }
  for (const [key, resource] of await readCurrent(session, [...wanted.keys()])) {
    for (const reference of wanted.get(key) ?? []) found.set(reference, resource);
  }
  return found;
}

async function readCurrent(session: Session, keys: readonly string[]): Promise<Map<string, object>> {
  if (keys.length === 0) return new Map();
  const { trx, cipher, repository } = session;
  const rows = await trx.query<VersionRow>({
    name: 'read-profile-targets',
    text: `SELECT ${versionColumns} FROM resource
           WHERE NOT deleted AND (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: [keys.map((key) => key.slice(0, key.indexOf('/'))), keys.map((key) => key.slice(key.indexOf('/') + 1))],
  });
  const { objectStore } = repository;
  const readable = rows.filter(({ type }) => type !== 'Binary');
  const versions = await openVersions({ cipher, objectStore }, readable);
  const found = new Map<string, object>();
  for (const version of versions) {
    const resource = parseBody(version);
    if (resource && (await isVisible(session, version))) found.set(`${version.type}/${version.id}`, resource);
  }
  return found;
}

/** Undefined where nobody here can say. */
async function isMember({ trx }: Session, { valueSet, coding }: MemberQuestion): Promise<boolean | undefined> {
  return answerOf(await validateCode(trx, coding, valueSet));
}

/** Of a value set that stands within a profile, and that nobody could find by its canonical. */
async function isIn({ trx }: Session, valueSet: ValueSet, { coding }: MemberQuestion): Promise<boolean | undefined> {
  try {
    return answerOf(await validateInValueSet(trx, valueSet, coding));
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) return undefined;
    throw error;
  }
}

function answerOf(verdict: Verdict | undefined): boolean | undefined {
  return verdict?.isCertain === true || verdict?.result === true ? verdict.result : undefined;
}
