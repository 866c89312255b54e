// What was stored before there were tables for it enters these with the run that an upgrade asks for, and nobody has to write it
// again: https://hl7.org/fhir/R4/terminology-service.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { serverCaller } from '../../src/access/caller.ts';
import { lockIndex } from '../../src/repository/own-parameters/lock-index.ts';
import { ownParametersModule } from '../../src/repository/own-parameters/module.ts';
import { createDefinitionsLoader } from '../../src/repository/own-parameters/tenant-definitions.ts';
import { requestRun } from '../../src/repository/reindex/request-run.ts';
import { takeStep } from '../../src/repository/reindex/take-step.ts';
import { inSession, type Repository } from '../../src/repository/session.ts';
import { terminologyModule } from '../../src/repository/terminology-module.ts';
import { write } from '../../src/repository/write.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { findSystem } from '../../src/terminology/find-system.ts';
import { findValueSet } from '../../src/terminology/find-value-set.ts';
import { findConceptMap } from '../../src/terminology/translate.ts';
import { searchParameter } from '../api/custom-parameters.ts';
import { animalMap, animalSystem, animals, valueSet } from '../api/terminology-world.ts';
import { type HandMade, makeByHand } from '../repository/hand-made.ts';

const circle = [
  { code: 'a', property: [{ code: 'parent', valueCode: 'b' }] },
  { code: 'b', property: [{ code: 'parent', valueCode: 'a' }] },
];
const parameter = (id: string, status: string) => ({
  ...searchParameter({
    code: id,
    type: 'string',
    base: ['Patient'],
    expression: 'Patient.extension.value.ofType(string)',
  }),
  ...{ id, status },
});
const definitions = [
  animalSystem,
  { ...animalSystem, id: 'circle', url: 'urn:circle', concept: circle },
  { ...animalSystem, id: 'long', url: `urn:${'x'.repeat(600)}` },
  valueSet('pets', { include: [{ system: animals }] }),
  animalMap,
  parameter('eyes', 'active'),
  parameter('draft', 'draft'),
  { ...parameter('eyes-again', 'active'), code: 'eyes', url: 'urn:eyes' },
] as Resource[];

let made: HandMade;
let tenantId: number;
let otherId: number;
beforeAll(async () => {
  made = await makeByHand();
  ({ tenantId } = await createTenant(made.doors, { name: 'tenant-old' }));
  ({ tenantId: otherId } = await createTenant(made.doors, { name: 'tenant-other' }));
});
afterAll(() => made.close());

/** As a process that asks the database each time. */
function fresh(): Repository {
  const parts = made.with(terminologyModule, ownParametersModule);
  return { ...parts, tenantDefinitions: { of: createDefinitionsLoader(parts), forget: () => undefined } };
}

const caller = (id = tenantId) => ({ ...serverCaller(id, 'tester'), kind: 'client' as const });
const put = async (by: Repository, resource: Resource, id = tenantId) => {
  const { resourceType: type, id: resourceId = '' } = resource;
  const intent = { action: 'update', type, id: resourceId, resource } as const;
  await inSession(by, caller(id), (session) => write(session, [intent]));
};
const rowsOf = async (text: string, id = tenantId) => await made.doors.tenantDoor(id, (trx) => trx.query({ text }));

/** Every run to its end. */
async function runAll(): Promise<void> {
  for (;;) {
    const [open] = (await rowsOf("SELECT id FROM reindex WHERE state <> 'done' ORDER BY state")) as { id: string }[];
    if (!open) return;
    await inSession(fresh(), caller(), (session) => takeStep(session, open.id, []));
  }
}

const ask = async () =>
  await made.doors.tenantDoor(tenantId, async (trx) => {
    await lockIndex(trx);
    const types = ['CodeSystem', 'ConceptMap', 'Patient', 'SearchParameter', 'ValueSet'];
    await requestRun({ trx }, { reason: 'generation', types });
  });

/** As tables tell it. */
const entered = async (id = tenantId) =>
  await made.doors.tenantDoor(id, async (trx) => [
    (await findSystem(trx, animals))?.conceptCount,
    (await findSystem(trx, 'urn:circle'))?.conceptCount,
    (await findValueSet(trx, 'urn:vs:pets'))?.url,
    (await findConceptMap(trx, 'urn:map:animals'))?.version,
    (await trx.query<{ id: string }>({ text: 'SELECT id FROM search_parameter ORDER BY id' })).map((row) => row.id),
  ]);

const tables = ['code_system', 'concept', 'value_set', 'concept_map', 'concept_map_element', 'search_parameter'];
const stamps = async () =>
  (await Promise.all(tables.map((table) => rowsOf(`SELECT count(*)::int AS count FROM ${table}`)))).flat();

describe('a run of the index', () => {
  test('enters code systems, value sets, maps and active search parameters; what a write would refuse stays out', async () => {
    const before = made.with();
    for (const resource of definitions) {
      await put(before, resource);
      await put(before, resource, otherId);
    }
    expect(await entered()).toEqual([undefined, undefined, undefined, undefined, []]);
    await ask();
    await runAll();
    expect(await entered()).toEqual([7, undefined, 'urn:vs:pets', '1', ['eyes']]);
    expect(await rowsOf('SELECT state FROM search_parameter')).toEqual([{ state: 'ready' }]);
    expect(await entered(otherId)).toEqual([undefined, undefined, undefined, undefined, []]);
  });

  test('leaves what is there, and one that has gone', async () => {
    const [rows, runs] = [await stamps(), await rowsOf('SELECT count(*)::int AS count FROM reindex')];
    const gone = { action: 'delete', type: 'ValueSet', id: 'pets' } as const;
    await inSession(fresh(), caller(), (session) => write(session, [gone]));
    await ask();
    await runAll();
    expect((await stamps()).map((row) => JSON.stringify(row))).toEqual(
      rows.map((row, index) => JSON.stringify(tables[index] === 'value_set' ? { count: 0 } : row)),
    );
    expect(await rowsOf('SELECT count(*)::int AS count FROM reindex')).toEqual([
      { count: (runs[0] as { count: number }).count + 1 },
    ]);
  });

  test('keeps what was written since', async () => {
    await put(fresh(), { ...animalSystem, concept: [{ code: 'only' }] } as Resource);
    await ask();
    await runAll();
    expect((await entered())[0]).toBe(1);
  });
});
