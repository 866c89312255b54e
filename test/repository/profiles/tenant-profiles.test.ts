// A tenant's own profiles: stored like any resource, in force at once, for nobody else; and what becomes of writes by its policy.

import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Observation, Resource, StructureDefinition } from '@medplum/fhirtypes';
import { serverCaller } from '../../../src/access/caller.ts';
import { snapshot } from '../../../src/operations/snapshot.ts';
import type { Change } from '../../../src/repository/change.ts';
import type { Module } from '../../../src/repository/module.ts';
import { checkProfiles, type ProfilePolicy } from '../../../src/repository/profiles/check-profiles.ts';
import { installPackage } from '../../../src/repository/profiles/install-package.ts';
import { profilesModule } from '../../../src/repository/profiles/module.ts';
import { registryOf, renewVersion } from '../../../src/repository/profiles/registry-of.ts';
import { inSession, type Repository, type Session } from '../../../src/repository/session.ts';
import { write } from '../../../src/repository/write.ts';
import { createTenant } from '../../../src/tenants/create-tenant.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { houseRegistry } from '../../../src/validation/profiles/house-registry.ts';
import { readPackage } from '../../../src/validation/profiles/read-package.ts';
import { structure } from '../../fhir/profiles/structures.ts';
import { buildObservation, buildPatient } from '../../support/builders.ts';
import { packageOf } from '../../support/fhir-package.ts';
import { type HandMade, makeByHand } from '../hand-made.ts';

let bed: HandMade;
let repository: Repository;
let otherTenantId: number;

beforeAll(async () => {
  bed = await makeByHand();
  repository = bed.with(profilesModule);
  otherTenantId = (await createTenant(bed.doors, { name: 'other' })).tenantId;
});
afterAll(() => bed.close());

const load = (tenantId: number) => inSession(repository, { ...bed.caller, tenantId }, registryOf);

type Elements = Parameters<typeof structure>[2];

function profile(url: string, elements: Elements, overrides: Partial<StructureDefinition> = {}): StructureDefinition {
  const type = (elements[0]?.path ?? 'Patient').split('.')[0] as string;
  const named = [{ id: type, path: type }, ...elements.map((element) => ({ id: element.path as string, ...element }))];
  return structure(url, type, named, { id: url.replace('urn:', ''), ...overrides }).resource;
}

const put = (...resources: Resource[]) => putIn(bed.tenantId, resources);

function putIn(tenantId: number, resources: readonly Resource[]) {
  const intents = resources.map((resource) => ({ action: 'update', id: resource.id as string, resource }) as const);
  return bed.write(repository, intents, { ...bed.caller, tenantId });
}

async function issues(resource: object, canonical: string, tenantId = bed.tenantId): Promise<string[]> {
  const registry = await load(tenantId);
  return checkResource(registry, resource, { profiles: [canonical] }).map(({ code }) => code);
}

describe('a stored profile', () => {
  test('is in force from its commit on, follows its changes, and ends with its deletion', async () => {
    expect(await issues(buildPatient(), 'urn:own')).toEqual(['not-found']);
    await put(profile('urn:own', [{ path: 'Patient.photo', min: 1 }]));
    expect(await issues(buildPatient(), 'urn:own')).toEqual(['required']);
    await put(profile('urn:own', [{ path: 'Patient.photo', max: '0' }]));
    expect(await issues(buildPatient(), 'urn:own')).toEqual([]);
    await bed.write(repository, [{ action: 'delete', type: 'StructureDefinition', id: 'own' }]);
    expect(await issues(buildPatient(), 'urn:own')).toEqual(['not-found']);
  });

  test('is in force for no other tenant', async () => {
    await put(profile('urn:shared', [{ path: 'Patient.photo', min: 1 }]));
    expect(await issues(buildPatient(), 'urn:shared')).toEqual(['required']);
    expect(await issues(buildPatient(), 'urn:shared', otherTenantId)).toEqual(['not-found']);
    expect(await load(otherTenantId)).toBe(houseRegistry());
  });

  test('stays compiled as long as nothing changes, and is loaded anew when another process has changed it', async () => {
    const before = await load(bed.tenantId);
    expect(await load(bed.tenantId)).toBe(before);
    await bed.run(repository, async ({ trx }) => renewVersion(trx));
    expect(await load(bed.tenantId)).not.toBe(before);
  });

  test('that was rolled back was never in force, though its own transaction has seen it', async () => {
    const rolledBack = bed.run(repository, async (session) => {
      const resource = profile('urn:undone', [{ path: 'Patient.photo', min: 1 }]);
      await write(session, [{ action: 'update', id: 'undone', resource }]);
      expect((await registryOf(session)).compiler.get('urn:undone')?.profile?.url).toBe('urn:undone');
      throw new Error('undo');
    });
    await expect(rolledBack).rejects.toThrow('undo');
    expect(await issues(buildPatient(), 'urn:undone')).toEqual(['not-found']);
  });

  test('that is active must be usable, a draft need not be', async () => {
    const wide: Elements = [{ path: 'Patient.gender', max: '2' }];
    const refused = put(profile('urn:wide', wide));
    await expect(refused).rejects.toMatchObject({ status: 422, issues: [{ code: 'invalid' }] });
    await put(profile('urn:wide', wide, { status: 'draft' }));
    expect(await issues(buildPatient(), 'urn:wide')).toEqual(['not-supported']);
    await put(profile('urn:wide', wide, { status: 'retired' }));
    expect(await issues(buildPatient(), 'urn:wide')).toEqual(['not-found']);
  });

  test('may come with its base in one transaction, in any order', async () => {
    const child = profile('urn:child', [{ path: 'Patient.photo', min: 1 }], { baseDefinition: 'urn:parent' });
    await put(child, profile('urn:parent', [{ path: 'Patient.contact', min: 1 }]));
    expect(await issues(buildPatient(), 'urn:child')).toEqual(['required', 'required']);
  });
});

describe('the policy of a tenant', () => {
  const needed = () => profile('urn:needed', [{ path: 'Patient.photo', min: 1 }]);

  /** As the write path has them. */
  const changesOf = (...resources: Resource[]): Change[] =>
    resources.map((resource, index) => ({
      ...{ index, action: 'create', type: resource.resourceType, id: resource.id ?? `new-${index}`, versionId: 1 },
      ...{ byServer: false, old: undefined, oldResource: undefined, resource, exactNumbers: undefined, told: [] },
    }));

  const policy = (check: ProfilePolicy['check'], required: ProfilePolicy['required'] = {}) => ({ check, required });

  const codes = (found: Awaited<ReturnType<typeof checkProfiles>>) =>
    [...found].map(([index, its]) => [index, its.map(({ code }) => code)]);

  const checkIn = (by: ProfilePolicy, ...resources: Resource[]) =>
    bed.run(repository, (session) => checkProfiles(session, by, changesOf(...resources)));

  const claiming = () => buildPatient({ meta: { profile: ['urn:needed'] } });

  beforeAll(() => put(needed()));

  test('off checks nothing, warn tells, enforce refuses with all issues of the write at fault', async () => {
    expect(codes(await checkIn(policy('off'), claiming()))).toEqual([]);
    expect(codes(await checkIn(policy('warn'), buildPatient(), claiming()))).toEqual([
      [0, []],
      [1, ['required']],
    ]);
    await expect(checkIn(policy('enforce'), buildPatient(), claiming())).rejects.toMatchObject({
      status: 422,
      writeIndex: 1,
      issues: [{ code: 'required', expression: ['Patient.photo'] }],
    });
  });

  test('may ask for a profile of every resource of a type, claimed or not', async () => {
    const required = { Patient: 'urn:needed' };
    await expect(checkIn(policy('enforce', required), buildPatient())).rejects.toMatchObject({ status: 422 });
    expect(codes(await checkIn(policy('enforce', required), buildObservation('Patient/1')))).toEqual([[0, []]]);
  });

  test('a claim nobody knows is told and refuses nothing', async () => {
    const unknown = buildPatient({ meta: { profile: ['urn:nobody'] } });
    expect(codes(await checkIn(policy('enforce'), unknown))).toEqual([[0, ['not-found']]]);
  });

  test('what the server itself writes is not held by it', async () => {
    const by = policy('enforce', { Patient: 'urn:needed' });
    const found = inSession(repository, serverCaller(bed.tenantId, 'job'), (session) =>
      checkProfiles(session, by, changesOf(buildPatient())),
    );
    expect(codes(await found)).toEqual([]);
  });

  test('holds what is written by whoever writes it, but not what follows from it', async () => {
    const following: Module = {
      name: 'following',
      effects: [
        {
          name: 'following',
          type: 'Observation',
          run: () => [{ action: 'create', resource: buildPatient() }],
        },
      ],
    };
    const profilePolicy = policy('enforce', { Patient: 'urn:needed' });
    const policiesOf = async () => ({ checksReferences: false, profilePolicy });
    const held = { ...bed.with(profilesModule, following), policiesOf };
    const [result] = await bed.write(held, [{ action: 'create', resource: buildObservation('Patient/1') }]);
    expect(result).toMatchObject({ type: 'Observation', changed: true });
    const refused = bed.write(held, [{ action: 'create', resource: buildPatient() }]);
    await expect(refused).rejects.toMatchObject({ status: 422, issues: [{ expression: ['Patient.photo'] }] });
  });

  describe('targets of references', () => {
    const about = (reference: string): Observation => buildObservation(reference, { meta: { profile: ['urn:about'] } });

    beforeAll(async () => {
      const target = { code: 'Reference', targetProfile: ['urn:needed'] };
      const asking = profile('urn:about', [{ path: 'Observation.subject', type: [target] }]);
      await put(asking, buildPatient({ id: 'bare' }), buildPatient({ id: 'seen', photo: [{ title: 'x' }] }));
      await putIn(otherTenantId, [asking, needed()]);
    });

    test('are read from the tenant, those of the same transaction as they will be', async () => {
      const by = policy('warn');
      expect(codes(await checkIn(by, about('Patient/bare'), about('Patient/seen'), about('Patient/none')))).toEqual([
        [0, ['structure']],
        [1, []],
        [2, []],
      ]);
      const better = buildPatient({ id: 'bare', photo: [{ title: 'x' }] });
      expect(codes(await checkIn(by, about('Patient/bare'), better))).toEqual([
        [0, []],
        [1, []],
      ]);
    });

    test('of another tenant, or that the caller may not read, are as if they were not there', async () => {
      const by = policy('warn');
      const work = (session: Session) => checkProfiles(session, by, changesOf(about('Patient/bare')));
      const elsewhere = { ...bed.caller, tenantId: otherTenantId };
      expect(codes(await inSession(repository, elsewhere, work))).toEqual([[0, []]]);
      const writer = { ...bed.caller, grants: [] };
      expect(codes(await inSession(repository, writer, work))).toEqual([[0, []]]);
    });
  });
});

describe('a package', () => {
  const install = async (bytes: Buffer) => {
    const read = await readPackage(Readable.from([bytes]));
    return await bed.run(repository, (session) => installPackage(session, read));
  };

  test('is stored whole and is in force', async () => {
    const child = profile('urn:packed-child', [{ path: 'Patient.photo', min: 1 }], { baseDefinition: 'urn:packed' });
    const parent = profile('urn:packed', [{ path: 'Patient.contact', min: 1 }]);
    const installed = await install(
      await packageOf(['StructureDefinition-a.json', child], ['StructureDefinition-b.json', parent]),
    );
    expect(installed).toEqual({
      name: 'test.pack',
      version: '1.0.0',
      stored: ['StructureDefinition/packed-child', 'StructureDefinition/packed'],
      dependencies: ['other.pack@2.0.0'],
    });
    expect(await issues(buildPatient(), 'urn:packed-child')).toEqual(['required', 'required']);
  });

  test('with a fault in one file is not stored at all, and the file is named', async () => {
    const sound = profile('urn:sound', [{ path: 'Patient.photo', min: 1 }]);
    const wide = profile('urn:too-wide', [{ path: 'Patient.gender', max: '2' }]);
    const misshapen = { resourceType: 'ValueSet', status: 'active', nothing: 1 };
    for (const bad of [wide, misshapen]) {
      const refused = install(await packageOf(['a.json', sound], ['b.json', bad]));
      await expect(refused).rejects.toMatchObject({ status: 422, message: expect.stringContaining('package/b.json') });
    }
    expect(await issues(buildPatient(), 'urn:sound')).toEqual(['not-found']);
  });

  test('is stored by who may write its definitions only', async () => {
    const bytes = await packageOf(['a.json', profile('urn:sound', [{ path: 'Patient.photo', min: 1 }])]);
    const read = await readPackage(Readable.from([bytes]));
    const reader = { ...bed.caller, grants: [] };
    const refused = inSession(repository, reader, (session) => installPackage(session, read));
    await expect(refused).rejects.toMatchObject({ status: 403 });
  });
});

describe('$snapshot', () => {
  const call = (inputs: Record<string, unknown>, id = '') => ({
    ...{ type: 'StructureDefinition', id, versionId: '', baseUrl: 'http://localhost' },
    inputs: new Map(Object.entries(inputs).map(([name, value]) => [name, [{ value }]] as const)),
  });
  const snapshotOf = async (...asked: Parameters<typeof call>) => {
    const { resource } = await bed.run(repository, (session) => snapshot.run(session, call(...asked)));
    return (resource as StructureDefinition).snapshot?.element ?? [];
  };
  const minOf = (elements: Awaited<ReturnType<typeof snapshotOf>>) =>
    elements.find(({ id }) => id === 'Patient.photo')?.min;

  test('of a stored definition, of a canonical, and of a definition that is sent', async () => {
    const sent = profile('urn:sent', [{ path: 'Patient.photo', min: 1 }]);
    await put(sent);
    expect(minOf(await snapshotOf({}, 'sent'))).toBe(1);
    expect(minOf(await snapshotOf({ url: 'urn:sent' }))).toBe(1);
    expect(minOf(await snapshotOf({ definition: sent }))).toBe(1);
    const bp = await snapshotOf({ url: 'http://hl7.org/fhir/StructureDefinition/bp' });
    expect(bp.map(({ id }) => id)).toContain('Observation.component:SystolicBP.code.coding:SBPCode.code');
  });

  test('says what is wrong with a definition, and what is not known', async () => {
    const wide = profile('urn:wide', [{ path: 'Patient.gender', max: '2' }]);
    await expect(snapshotOf({ definition: wide })).rejects.toMatchObject({ status: 422 });
    await expect(snapshotOf({ url: 'urn:nobody' })).rejects.toMatchObject({ status: 404 });
    await expect(snapshotOf({})).rejects.toMatchObject({ status: 400 });
  });
});
