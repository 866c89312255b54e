// Ways around the limits on rows: deleted records, other writings of a reference, profiles, terminology, cursors and counts.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Consent, Resource } from '@medplum/fhirtypes';
import type { ParameterizedContext } from 'koa';
import { type Caller, serverCaller } from '../../src/access/caller.ts';
import type { FhirError } from '../../src/fhir/outcome.ts';
import { acceptAsync } from '../../src/http/async/accept.ts';
import { asyncCancelInteraction, asyncStatusInteraction } from '../../src/http/async/status.ts';
import { requestKey } from '../../src/http/idempotency.ts';
import type { InteractionRequest } from '../../src/http/interaction.ts';
import { remove } from '../../src/repository/delete.ts';
import { inSession } from '../../src/repository/session.ts';
import { found, type OpenedDoors, openAllDoors } from './doors.ts';
import { observation, records } from './records.ts';

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
  await doors.store(records);
});
afterAll(() => doors.close());

const baseUrl = 'http://hpms.test/t/x/fhir';
/** The app of the patient p1. */
const app = (scopes = 'patient/*.cruds') => doors.holder(scopes, { patient: 'p1', fhirUser: 'Patient/p1' });
const doctor = () => doors.holder('user/*.cruds', { kind: 'staff', fhirUser: 'Practitioner/dr1' });
const get = (path: string, caller = app()) => doors.ask(caller, 'GET', path);
const patchType = { 'Content-Type': 'application/json-patch+json' };
const meta = (tag: string) => ({
  ...{ resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: tag }] } }] },
});

async function deleteAsServer(type: string, id: string): Promise<void> {
  await inSession(doors.opened.repository, serverCaller(doors.tenants[0], 'clinic'), (session) =>
    remove(session, type, id),
  );
}

const denial: Consent & { id: string } = {
  ...{ resourceType: 'Consent', id: 'denial', status: 'active', patient: { reference: 'Patient/p1' } },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  policyRule: { text: 'as asked' },
};

/** With this Consent in force. */
async function under(provision: Consent['provision'], check: () => Promise<void>): Promise<void> {
  await doors.store([{ ...denial, ...(provision && { provision }) }]);
  try {
    await check();
  } finally {
    await doors.store([{ ...denial, status: 'inactive' }]);
  }
}

describe('a deleted record of another patient', () => {
  beforeAll(async () => {
    await doors.store([observation('gone', 'Patient/p2'), observation('mine-gone', 'Patient/p1')]);
    await deleteAsServer('Observation', 'gone');
    await deleteAsServer('Observation', 'mine-gone');
  });

  test('is answered as what never was', async () => {
    const doorsTo = (id: string) => [
      doors.ask(app(), 'GET', `Observation/${id}`),
      doors.ask(app(), 'GET', `Observation/${id}/_history`),
      doors.ask(app(), 'GET', `Observation/${id}/_history/1`),
      doors.ask(app(), 'GET', `Observation/${id}/_history/2`),
      doors.ask(app(), 'PATCH', `Observation/${id}`, [], patchType),
      doors.ask(app(), 'DELETE', `Observation/${id}`),
      doors.ask(app(), 'POST', `Observation/${id}/$meta-add`, meta('x')),
      doors.ask(app(), 'POST', `Observation/${id}/$meta-delete`, meta('x')),
    ];
    const of = async (id: string) =>
      (await Promise.all(doorsTo(id))).map(({ status, headers, text }) => [status, headers, text.replaceAll(id, 'x')]);
    expect(await of('gone')).toEqual(await of('never-was'));
  });

  test('is not taken over by writing to its id, while one’s own comes back', async () => {
    const put = (id: string) => doors.ask(app(), 'PUT', `Observation/${id}`, observation(id, 'Patient/p1'));
    expect((await put('gone')).status).toBe(403);
    expect((await get('Observation/gone', doors.all())).status).toBe(410);
    expect((await put('mine-gone')).json.meta.versionId).toBe('3');
  });
});

describe('a patient written in another way', () => {
  const mixed = (reference: string) => ({
    ...{ ...observation('mixed', reference), id: undefined, performer: [{ reference: 'Patient/p1' }] },
  });

  test.each([`${baseUrl}/Patient/p2`, 'Patient/p2/_history/1'])('%s is the other patient still', async (reference) => {
    expect((await doors.ask(app(), 'POST', 'Observation', mixed(reference))).status).toBe(403);
    const entry = { resource: mixed(reference), request: { method: 'POST', url: 'Observation' } };
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [entry] };
    expect((await doors.ask(app(), 'POST', '', bundle)).status).toBe(403);
  });
});

describe('what a profile tells of the resources a reference leads to', () => {
  test('is the same for one of another patient and one that never was', async () => {
    const profile = {
      resourceType: 'StructureDefinition',
      id: 'target',
      url: 'https://a.example/target',
      name: 'Target',
      status: 'active',
      kind: 'resource',
      abstract: false,
      type: 'Observation',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
      derivation: 'constraint',
      differential: {
        element: [
          { id: 'Observation', path: 'Observation' },
          {
            id: 'Observation.derivedFrom',
            path: 'Observation.derivedFrom',
            type: [{ code: 'Reference', targetProfile: ['https://a.example/preliminary'] }],
          },
        ],
      },
    } as Resource;
    const preliminary = {
      ...profile,
      ...{ id: 'preliminary', url: 'https://a.example/preliminary', name: 'Preliminary' },
      differential: {
        element: [
          { id: 'Observation', path: 'Observation' },
          { id: 'Observation.status', path: 'Observation.status', fixedCode: 'preliminary' },
        ],
      },
    } as Resource;
    await doors.store([profile, preliminary]);
    const told = async (id: string) => {
      const body = {
        ...observation('mine', 'Patient/p1'),
        ...{ meta: { profile: ['https://a.example/target'] }, derivedFrom: [{ reference: `Observation/${id}` }] },
      };
      const { status, text } = await doors.ask(app(), 'POST', 'Observation/$validate', body);
      return [status, text.replaceAll(id, 'x')];
    };
    expect(await told('lab-p2')).toEqual(await told('never-was'));
    expect(await told('lab-p1')).not.toEqual(await told('never-was'));
  });
});

describe('a Binary under what any patient may read', () => {
  test('is read by an app of a patient, and neither written nor made by it', async () => {
    const binary = {
      resourceType: 'Binary',
      ...{ id: 'letterhead', contentType: 'text/plain', data: 'eA==' },
      securityContext: { reference: 'Organization/org' },
    } as const;
    await doors.store([binary]);
    expect((await get('Binary/letterhead')).status).toBe(200);
    expect((await doors.ask(app(), 'PUT', 'Binary/letterhead', { ...binary, data: 'eQ==' })).status).toBe(403);
    expect((await doors.ask(app(), 'DELETE', 'Binary/letterhead')).status).toBe(403);
    expect((await doors.ask(app(), 'POST', 'Binary', { ...binary, id: undefined })).status).toBe(403);
    const own = { ...binary, id: undefined, securityContext: { reference: 'Patient/p1' } };
    expect((await doors.ask(app(), 'POST', 'Binary', own)).status).toBe(201);
  });
});

describe('terminology of which a token allows some', () => {
  test('is not read by the operations either', async () => {
    const compose = { include: [{ system: 'https://a.example/codes', concept: [{ code: 'hidden-code' }] }] };
    await doors.store([
      { resourceType: 'ValueSet', id: 'hidden', url: 'https://a.example/hidden', status: 'draft', compose },
      { resourceType: 'ValueSet', id: 'shown', url: 'https://a.example/shown', status: 'active', compose },
    ]);
    const some = doors.holder('user/ValueSet.rs?status=active');
    expect((await get('ValueSet/hidden', some)).status).toBe(404);
    for (const path of ['ValueSet/hidden/$expand', 'ValueSet/$expand?url=https://a.example/hidden'])
      expect([path, (await get(path, some)).text.includes('hidden-code')]).toEqual([path, false]);
    expect((await get('ValueSet/$expand?url=https://a.example/hidden', app())).text).toContain('hidden-code');
  });
});

describe('counts of the clinic', () => {
  test('are not told by $reindex-status to who may see some rows only', async () => {
    expect((await doors.ask(doors.all(), 'POST', '$reindex', { resourceType: 'Parameters' })).status).toBe(200);
    expect((await get('$reindex-status', doors.all())).text).toContain('"total"');
    const { status, text } = await get('$reindex-status');
    expect([status, text.includes('"total"')]).toEqual([200, false]);
  });
});

describe('a cursor of a history', () => {
  test('tells nothing of the versions in between that are out of sight', async () => {
    await doors.store([observation('late', 'Patient/p2'), observation('veiled', 'Patient/p1')]);
    await under({ type: 'deny' }, async () => {
      const { json } = await get('Observation/_history?_count=1', doctor());
      const next = json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
      const cursor = [...new URL(next).searchParams.values()].map((one) =>
        Buffer.from(one, 'base64url').toString('latin1'),
      );
      expect(cursor.join(' ')).not.toMatch(/veiled|late|Observation/);
      const second = await get(`Observation/_history${new URL(next).search}`, doctor());
      expect(second.status).toBe(200);
    });
  });
});

describe('a denial', () => {
  test('is broken by an emergency for reading alone', async () => {
    const emergency = { ...doctor(), purposeOfUse: 'BTG' };
    await under({ type: 'deny' }, async () => {
      expect((await get('Observation/lab-p1', emergency)).status).toBe(200);
      const changed = observation('lab-p1', 'Patient/p1', 'survey');
      expect((await doors.ask(emergency, 'PUT', 'Observation/lab-p1', changed)).status).toBe(403);
      expect((await doors.ask(emergency, 'DELETE', 'Observation/lab-p1')).status).toBe(403);
    });
  });

  test('is of what is for the patient outside the compartment too', async () => {
    const task = { resourceType: 'Task', id: 'task', status: 'draft', intent: 'order' } as const;
    await doors.store([{ ...task, for: { reference: 'Patient/p1' } }]);
    expect((await get('Task/task', doctor())).status).toBe(200);
    await under({ type: 'deny' }, async () => {
      expect((await get('Task/task', doctor())).status).toBe(404);
      expect(found(await get('Task', doctor()))).toEqual([]);
    });
  });

  test('means whom it names in whatever form the reference is', async () => {
    const actor = [{ role: { text: 'whom' }, reference: { reference: 'Practitioner/dr1/_history/1' } }];
    await under({ type: 'deny', actor }, async () => {
      expect((await get('Observation/lab-p1', doctor())).status).toBe(404);
    });
  });
});

describe('what was made for one person', () => {
  const mine = () => ({ ...app(), accountId: 'a' });
  const others = [
    ['another account', () => ({ ...mine(), accountId: 'b' })],
    ['another patient in context', () => ({ ...mine(), patient: 'p2' })],
    ['another client', () => ({ ...mine(), clientId: 'other' })],
    ['the client itself', () => doors.all()],
  ] as const;

  test.each(others)('a cursor is of no use to %s', async (_, other) => {
    for (const path of ['Observation', 'Observation/_history']) {
      const { json } = await get(`${path}?_count=1`, mine());
      const { url } = json.link.find(({ relation }: { relation: string }) => relation === 'next');
      const next = path + new URL(url).search;
      expect([(await get(next, mine())).status, (await get(next, other())).status]).toEqual([200, 400]);
    }
  });

  test.each(others)('a request in the background is not there for %s', async (_, other) => {
    const { repository } = doors.opened;
    const request: InteractionRequest = {
      method: 'GET',
      ...{ baseUrl, type: 'Observation', id: '', versionId: '', params: {}, body: undefined },
      ...{ query: new URLSearchParams(), header: () => undefined },
    };
    const { headers } = await inSession(repository, mine(), (session) => acceptAsync(session, 'Observation', request));
    const asked = { ...request, id: headers['Content-Location']?.split('/').at(-1) ?? '' };
    const stateFor = async (caller: Caller, run = asyncStatusInteraction) =>
      await inSession(repository, caller, (session) => run(session, asked)).catch((error: FhirError) => error);
    expect((await stateFor(mine())).status).toBe(202);
    expect((await stateFor(other())).status).toBe(404);
    expect((await stateFor(other(), asyncCancelInteraction)).status).toBe(404);
  });

  test.each(others)('an answer kept under an Idempotency-Key is not the one of %s', (_, other) => {
    const request = { method: 'POST', path: '/t/x/fhir/Observation', get: () => 'same' };
    const keyFor = (caller: Caller) => requestKey(request as unknown as ParameterizedContext, caller, Buffer.from(''));
    expect(keyFor(mine())).toEqual(keyFor(mine()));
    expect(keyFor(mine())?.key).not.toEqual(keyFor(other())?.key);
  });
});
