// What a profile asks beyond the resource, answered from the tenant's own records and terminology.

import { may } from '../../access/may.ts';
import { parseReference } from '../../fhir/references.ts';
import { validateCode } from '../../terminology/validate-code.ts';
import type { Lookups, MemberQuestion } from '../../validation/profiles/check-with-lookups.ts';
import type { Change } from '../change.ts';
import type { Session } from '../session.ts';
import { openVersions, parseBody, type VersionRow, versionColumns } from '../stored-version.ts';

/** Resources of the same transaction are taken as they will be; what the caller may not read is not looked at. */
export function profileLookups(session: Session, changes: readonly Change[] = []): Lookups {
  return {
    resources: (references) => findResources(session, changes, references),
    members: async (questions) => {
      const answers: (boolean | undefined)[] = [];
      for (const question of questions) answers.push(await isMember(session, question));
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
  return new Map(
    versions.flatMap((version) => {
      const resource = parseBody(version);
      return resource ? [[`${version.type}/${version.id}`, resource] as const] : [];
    }),
  );
}

/** Undefined where nobody here can say. */
async function isMember({ trx }: Session, { valueSet, coding }: MemberQuestion): Promise<boolean | undefined> {
  const verdict = await validateCode(trx, coding, valueSet);
  return verdict?.isCertain === true || verdict?.result === true ? verdict.result : undefined;
}
