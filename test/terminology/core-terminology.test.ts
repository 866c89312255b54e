// HL7's own terminology in the shared tables: loaded once, all of it usable: https://hl7.org/fhir/R4/terminologies-systems.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ValueSet } from '@medplum/fhirtypes';
import { type Doors, openDoors } from '../../src/doors.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { loadCoreTerminology } from '../../src/terminology/core-terminology.ts';
import { expand } from '../../src/terminology/expand.ts';
import { findSystem } from '../../src/terminology/find-system.ts';
import { type CodeCheck, validateCode } from '../../src/terminology/validate-code.ts';
import { createTestDatabase, type TestDatabase, testKeys, withClient } from '../support/database.ts';

let database: TestDatabase;
let doors: Doors;
let tenantId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  doors = openDoors({ databaseUrl: database.url, ...testKeys, onIdleError: () => undefined });
  tenantId = (await createTenant(doors, { name: 'a' })).tenantId;
});
afterAll(async () => {
  await doors.close();
  await database.drop();
});

const rowsOf = <Row extends object>(text: string) =>
  withClient(database.url, async (client) => (await client.query<Row>(text)).rows);
const sums = () =>
  rowsOf(`SELECT (SELECT count(*)::int FROM shared.code_system) AS systems, (SELECT count(*)::int FROM shared.concept) AS concepts,
            (SELECT max(id) FROM shared.code_system) AS last, (SELECT count(*)::int FROM shared.value_set) AS sets`);

describe('loading', () => {
  test('again does nothing, and after a change replaces all but what operators have imported', async () => {
    const lines: string[] = [];
    const before = await sums();
    await loadCoreTerminology(database.url, (line) => lines.push(line));
    expect([await sums(), lines]).toEqual([before, []]);
    await rowsOf(`UPDATE shared.release SET hash = 'of another version';
      INSERT INTO shared.code_system (url, version, content, subsumes, case_sensitive, title, properties, concept_count, indexed)
        VALUES ('urn:imported', '1', 'complete', true, true, 'Imported', '[]', 0, false)`);
    await Promise.all([1, 2].map(() => loadCoreTerminology(database.url, (line) => lines.push(line))));
    expect(lines.filter((line) => line.startsWith('loaded'))).toHaveLength(1);
    const [after] = (await sums()) as { systems: number; concepts: number; last: number }[];
    const [first] = before as { systems: number; concepts: number; last: number }[];
    expect([after?.systems, after?.concepts]).toEqual([(first?.systems ?? 0) + 1, first?.concepts]);
    expect(after?.last).toBeGreaterThan(first?.last ?? 0);
  }, 60_000);
});

describe("R4's value sets", () => {
  test('expand, unless a code system is licensed, foreign, or only shown by examples', async () => {
    const valueSets = await rowsOf<{ content: ValueSet }>('SELECT content FROM shared.value_set');
    const refusals = new Map<string, number>();
    let expanded = 0;
    await doors.tenantDoor(
      tenantId,
      async (trx) => {
        for (const { content } of valueSets) {
          try {
            await expand(trx, content, {});
            expanded++;
          } catch (error) {
            const code = (error as { issues?: { code: string }[] }).issues?.[0]?.code ?? String(error);
            refusals.set(code, (refusals.get(code) ?? 0) + 1);
          }
        }
      },
      'read',
    );
    expect([...refusals.keys()].sort()).toEqual(['not-found', 'not-supported']);
    expect(expanded).toBeGreaterThan(1_200);
  }, 60_000);

  test('hold the closure of a hierarchy with several parents as their parents say it', async () => {
    const url = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
    const system = await doors.tenantDoor(tenantId, (trx) => findSystem(trx, url), 'read');
    const rows = await rowsOf<{ id: number; parents: number[]; below: number[] }>(
      `SELECT id, parents, below FROM shared.concept WHERE system_id = ${system?.id}`,
    );
    const parentsOf = new Map(rows.map(({ id, parents }) => [id, parents]));
    const isBelow = (id: number, top: number): boolean =>
      id === top || (parentsOf.get(id) ?? []).some((parent) => isBelow(parent, top));
    expect(rows.some(({ parents }) => parents.length > 1)).toBe(true);
    for (const { id: top, below } of rows) {
      const within = rows.filter(({ id }) =>
        below.some((low, at) => at % 2 === 0 && id >= low && id <= (below[at + 1] ?? 0)),
      );
      expect(within.map(({ id }) => id)).toEqual(rows.filter(({ id }) => isBelow(id, top)).map(({ id }) => id));
    }
  });
});

describe('validateCode, for bindings', () => {
  const verdictOf = (check: CodeCheck, valueSet: string) =>
    doors.tenantDoor(tenantId, (trx) => validateCode(trx, check, valueSet), 'read');
  const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
  const system = 'http://hl7.org/fhir/administrative-gender';
  const conditions = 'http://hl7.org/fhir/ValueSet/condition-code';
  const ucum = 'http://unitsofmeasure.org';

  test.each<[CodeCheck, string, object | undefined]>([
    [{ code: 'male', system }, gender, { result: true, isCertain: true }],
    [{ code: 'male', system }, `${gender}|4.0.1`, { result: true }],
    [{ code: 'male' }, gender, { result: true }],
    [{ code: 'm', system }, gender, { result: false, isCertain: true }],
    [{ code: 'male', system: 'urn:x' }, gender, { result: false, isCertain: true }],
    [{ code: 'mg', system: ucum }, 'http://hl7.org/fhir/ValueSet/ucum-units', { result: true, isCertain: true }],
    [{ code: 'furlongs', system: ucum }, 'http://hl7.org/fhir/ValueSet/ucum-units', { result: false, isCertain: true }],
    [
      { code: '1-8', system: 'http://loinc.org' },
      'http://hl7.org/fhir/ValueSet/observation-codes',
      { isCertain: false },
    ],
    // All of it is SNOMED CT's, which is not here.
    [{ code: '1', system: 'http://snomed.info/sct' }, conditions, { result: false, isCertain: false }],
    [{ code: 'x' }, conditions, { result: false, isCertain: false }],
    [{ code: 'x', system: 'urn:x' }, conditions, { result: false, isCertain: true }],
    [{ code: 'male', system }, 'urn:none', undefined],
    [{ code: 'male', system }, `${gender}|9`, undefined],
  ])('%j in %s: %j', async (check, valueSet, verdict) => {
    const found = await verdictOf(check, valueSet);
    if (verdict === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(verdict);
  });
});
