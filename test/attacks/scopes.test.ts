// Attacks 25 to 44 of security.md on the limits of patients and scopes, by number, through every FHIR door.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MalformedScope, parseScopes } from '../../src/smart/scopes.ts';
import { buildPatient } from '../support/builders.ts';
import { found, type OpenedDoors, openAllDoors } from './doors.ts';
import { observation, ofFirst, records } from './records.ts';

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
  await doors.store(records);
  await doors.store(records, doors.tenants[1]);
});
afterAll(() => doors.close());

/** The app of the patient p1. */
const app = (scopes = 'patient/*.rs') => doors.holder(scopes, { patient: 'p1', fhirUser: 'Patient/p1' });
const get = (path: string, caller = app()) => doors.ask(caller, 'GET', path);
const transaction = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });

describe('attack 25: a token of one patient', () => {
  const hidden = records.flatMap(({ resourceType, id = '' }) =>
    /p2|both|contained|logical/.test(id) ? [`${resourceType}/${id}`] : [],
  );

  test('reads what is in the compartment', async () => {
    for (const one of [...ofFirst, 'Binary/binary-p1']) expect([one, (await get(one)).status]).toEqual([one, 200]);
  });

  test('is answered about others as about ids that never existed', async () => {
    for (const path of hidden.filter((one) => !one.startsWith('Group/'))) {
      const [type = ''] = path.split('/');
      for (const tail of ['', '/_history', '/_history/1', '/$meta']) {
        if (type === 'Binary' && tail === '/$meta') continue;
        const answer = await get(`${path}${tail}`);
        const never = await get(`${type}/never-was${tail}`);
        expect([path, tail, answer.status, answer.text.replaceAll(path.split('/')[1] ?? '', 'never-was')]).toEqual([
          path,
          tail,
          404,
          never.text,
        ]);
      }
    }
  });

  test.each(['p2', 'never-was'])('finds the same nothing by patient=%s', async (id) => {
    for (const type of ['Observation', 'Encounter']) {
      const { status, json } = await get(`${type}?patient=${id}&_total=accurate`);
      expect([status, json.total, json.entry]).toEqual([200, 0, undefined]);
      expect((await get(`Patient/${id}/${type}`)).json).toMatchObject({ total: 0 });
    }
    expect((await get(`Patient/${id}/*`)).json.total).toBe(0);
    expect((await get(`Patient?_id=${id}`)).json.total).toBe(0);
  });

  test('has the compartment as a whole', async () => {
    // A Device is not in R4's compartment.
    expect(found(await get('Patient/p1/*?_count=100'))).toEqual(ofFirst.filter((one) => one !== 'Device/device-p1'));
    const types = 'Account,Appointment,Device,Encounter,List,Observation,Patient,Provenance';
    expect(found(await get(`?_type=${types}&_count=100`))).toEqual(ofFirst);
  });

  test('as a person with a role that says all sees no more', async () => {
    const person = doors.holder('user/*.cruds', { kind: 'patient', accountId: 'a', fhirUser: 'Patient/p1' });
    for (const type of ['Patient', 'Observation', 'Appointment', 'Account'])
      expect(found(await get(type, person))).toEqual(ofFirst.filter((one) => one.startsWith(`${type}/`)));
    for (const path of ['Observation/lab-p2', 'Appointment/both', 'Binary/binary-p2', 'Binary/binary-open'])
      expect([path, (await get(path, person)).status]).toEqual([path, 404]);
    expect((await get('_history', person)).status).toBe(403);
    expect((await get('Group', person)).status).toBe(403);
  });

  test('has no Binary without a securityContext, which would be everybody’s', async () => {
    expect((await get('Binary/binary-open')).status).toBe(404);
    expect((await get('Binary')).status).toBe(403);
  });
});

describe('attack 26: a token that has not the context it needs', () => {
  test('is refused at every door', async () => {
    const nobody = doors.holder('patient/*.cruds');
    for (const path of [
      'Patient',
      'Patient/p1',
      'Observation?patient=p1',
      'Patient/p1/*',
      '',
      'Observation/_history',
      '_history',
      'Patient/p1/_history',
      'Binary/binary-p1',
    ])
      expect([path, (await get(path, nobody)).status]).toEqual([path, 403]);
    expect((await doors.ask(nobody, 'POST', 'Observation', observation('x', 'Patient/p1'))).status).toBe(403);
    expect((await doors.ask(nobody, 'PUT', 'Observation/x', observation('x', 'Patient/p1'))).status).toBe(403);
    expect((await doors.ask(nobody, 'DELETE', 'Observation/lab-p1')).status).toBe(403);
  });

  test('own rows of nobody are none', async () => {
    const own = { context: 'user', type: '*', permissions: new Set(['r', 's'] as const), isOwn: true } as const;
    expect((await get('Observation', { ...app(), grants: [own], fhirUser: undefined as never })).status).toBe(403);
  });
});

describe('attack 27: every type of R4', () => {
  test('gives the compartment, what is open by the table, or nothing', async () => {
    const answers = new Map<string, string>();
    for (const type of doors.opened.repository.definitions.resourceTypes) {
      const { status } = await get(`${type}?_summary=count`);
      answers.set(type, String(status));
    }
    const refused = [...answers].filter(([, status]) => status !== '200').map(([type]) => type);
    for (const type of [
      'Group',
      'Task',
      'Basic2',
      'Linkage',
      'Bundle',
      'PaymentNotice',
      'MessageHeader',
      'Contract',
      'Subscription',
    ])
      expect([type, refused.includes(type) || !answers.has(type)]).toEqual([type, true]);
    for (const type of ['Organization', 'Practitioner', 'Slot', 'Medication', 'ValueSet', 'StructureDefinition'])
      expect([type, answers.get(type)]).toEqual([type, '200']);
    expect(found(await get('Practitioner'))).toEqual(['Practitioner/dr1', 'Practitioner/dr2']);
  });

  test('none of those that are open to read can be written', async () => {
    for (const type of ['Organization', 'Practitioner', 'ValueSet'])
      expect((await doors.ask(app('patient/*.cruds'), 'POST', type, { resourceType: type })).status).toBe(403);
  });
});

describe('attack 28: a resource that names two patients', () => {
  test.each(['Appointment', 'Account', 'Provenance'])('%s is hidden from both', async (type) => {
    for (const patient of ['p1', 'p2']) {
      const caller = doors.holder('patient/*.rs', { patient });
      expect((await get(`${type}/both`, caller)).status).toBe(404);
      expect(found(await get(`${type}?_count=100`, caller))).not.toContain(`${type}/both`);
    }
    expect((await get(`${type}/both`, doors.all())).status).toBe(200);
  });

  test('a Group is closed, also as a link', async () => {
    for (const path of ['Group', 'Group/both', 'Group?member=Patient/p1', 'Patient?_has:Group:member:_id=both'])
      expect([path, (await get(path)).status]).toEqual([path, 403]);
    expect(found(await get('Patient?_revinclude=Group:member'))).toEqual(['Patient/p1']);
  });

  test('another Patient that is linked to mine is not mine', async () => {
    expect(found(await get('Patient?link=Patient/p1'))).toEqual([]);
  });
});

describe('attack 29: a write across the border', () => {
  const writer = () => app('patient/*.cruds');

  test('moving a resource to another patient is 403 and changes nothing', async () => {
    await doors.store([observation('mine', 'Patient/p1')]);
    const moved = observation('mine', 'Patient/p2');
    expect((await doors.ask(writer(), 'PUT', 'Observation/mine', moved)).status).toBe(403);
    const patch = [{ op: 'replace', path: '/subject/reference', value: 'Patient/p2' }];
    const type = { 'Content-Type': 'application/json-patch+json' };
    expect((await doors.ask(writer(), 'PATCH', 'Observation/mine', patch, type)).status).toBe(403);
    const entry = { resource: moved, request: { method: 'PUT', url: 'Observation/mine' } };
    expect((await doors.ask(writer(), 'POST', '', transaction(entry))).status).toBe(403);
    expect((await get('Observation/mine', doors.all())).json.meta.versionId).toBe('1');
  });

  test('creating for another patient is 403, for the own one 201', async () => {
    expect((await doors.ask(writer(), 'POST', 'Observation', observation('x', 'Patient/p2'))).status).toBe(403);
    expect(
      (await doors.ask(writer(), 'POST', 'Observation', { ...observation('x', ''), subject: undefined })).status,
    ).toBe(403);
    expect((await doors.ask(writer(), 'POST', 'Observation', observation('x', 'Patient/p1'))).status).toBe(201);
    expect((await doors.ask(writer(), 'POST', 'Patient', buildPatient())).status).toBe(403);
  });

  test('what is another’s is taken for an update, and not there for a patch or a delete', async () => {
    const theirs = 'Observation/lab-p2';
    const type = { 'Content-Type': 'application/json-patch+json' };
    expect((await doors.ask(writer(), 'PUT', theirs, observation('lab-p2', 'Patient/p1'))).status).toBe(403);
    expect((await doors.ask(writer(), 'PATCH', theirs, [], type)).status).toBe(404);
    const [gone, never] = [
      await doors.ask(writer(), 'DELETE', theirs),
      await doors.ask(writer(), 'DELETE', 'Observation/never-was'),
    ];
    expect([gone.status, gone.text]).toEqual([never.status, never.text]);
    const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };
    expect((await doors.ask(writer(), 'POST', `${theirs}/$meta-add`, meta)).status).toBe(404);
    expect((await get(theirs, doors.all())).json.meta.versionId).toBe('1');
  });

  test('conditional requests find nothing of others', async () => {
    const body = { ...observation('new', 'Patient/p1'), id: undefined };
    const created = await doors.ask(writer(), 'POST', 'Observation', body, { 'If-None-Exist': 'subject=Patient/p2' });
    expect(created.status).toBe(201);
    expect((await doors.ask(writer(), 'DELETE', 'Observation?subject=Patient/p2')).status).toBe(204);
    expect((await get('Observation/lab-p2', doors.all())).status).toBe(200);
    const entry = {
      resource: {
        ...observation('new', 'Patient/p1'),
        id: undefined,
        encounter: { reference: 'Encounter?subject=Patient/p2' },
      },
      request: { method: 'POST', url: 'Observation' },
    };
    expect((await doors.ask(writer(), 'POST', '', transaction(entry))).status).toBe(412);
  });
});

describe('attack 30: what is no resolved literal reference', () => {
  test.each(['contained', 'logical'])('%s puts nothing into the compartment', async (id) => {
    expect((await get(`Observation/${id}`)).status).toBe(404);
    expect(found(await get('Observation?_count=100'))).not.toContain(`Observation/${id}`);
  });

  test.each([
    [
      'a contained Patient of the same id',
      { contained: [{ ...buildPatient(), id: 'p1' }], subject: { reference: '#p1' } },
    ],
    ['an identifier', { subject: { identifier: { system: 'urn:mrn', value: 'p1' } } }],
    ['a type and a display', { subject: { type: 'Patient', display: 'Patient/p1' } }],
    ['another server', { subject: { reference: 'https://elsewhere.example/fhir/Patient/p1' } }],
  ])('%s is no ground to create', async (_, rest) => {
    const body = { ...observation('new', 'Patient/p1'), id: undefined, ...rest };
    expect((await doors.ask(app('patient/*.cruds'), 'POST', 'Observation', body)).status).toBe(403);
  });
});

describe('attack 31: a scope of vital signs alone', () => {
  const vital = (rest = '') =>
    app(`patient/Observation.crus?category=vital-signs patient/Encounter.rs patient/Patient.rs patient/List.rs${rest}`);

  test('has no laboratory result at any door', async () => {
    const caller = vital();
    expect(found(await get('Observation', caller))).toEqual(['Observation/vital-p1']);
    for (const tail of ['', '/_history', '/_history/1', '/$meta', '/$validate'])
      expect([tail, (await get(`Observation/lab-p1${tail}`, caller)).status]).toEqual([tail, 404]);
    for (const path of [
      'Observation?_include=Observation:derived-from',
      'List?_include=List:item',
      'Patient?_revinclude=Observation:subject',
      'Encounter?_revinclude=Observation:encounter',
      'Patient/p1/*',
    ])
      expect([path, found(await get(path, caller)).filter((one) => one.includes('lab'))]).toEqual([path, []]);
    expect(found(await get('Encounter?_has:Observation:encounter:code:text=lab', caller))).toEqual([]);
    expect(found(await get('Observation?derived-from:Observation.subject=Patient/p1', caller))).toEqual([]);
    expect(found(await get('Observation?_list=list-p1', caller))).toEqual([]);
    expect(found(await get('Observation/_history', caller))).toEqual(['Observation/vital-p1']);
    expect((await get('_history', caller)).status).toBe(403);
    const entry = { request: { method: 'GET', url: 'Observation/lab-p1' } };
    expect((await doors.ask(caller, 'POST', '', transaction(entry))).status).toBe(404);
  });

  test('is not led past it: what only a hidden resource leads to is not included either', async () => {
    const caller = app('patient/Observation.rs patient/Organization.rs patient/Encounter.rs?status=planned');
    const path = '_include=Observation:encounter&_include:iterate=Encounter:service-provider';
    expect(found(await get(`Observation?_id=lab-p1&${path}`, caller))).toEqual(['Observation/lab-p1']);
    expect(found(await get(`Observation?_id=lab-p1&${path}`))).toEqual([
      'Encounter/visit-p1',
      'Observation/lab-p1',
      'Organization/org',
    ]);
  });

  test('writes none either, and makes none of a vital sign', async () => {
    const lab = { ...observation('new', 'Patient/p1'), id: undefined };
    expect((await doors.ask(vital(), 'POST', 'Observation', lab)).status).toBe(403);
    const changed = observation('vital-p1', 'Patient/p1', 'laboratory');
    expect((await doors.ask(vital(), 'PUT', 'Observation/vital-p1', changed)).status).toBe(403);
    const sign = { ...observation('new', 'Patient/p1', 'vital-signs'), id: undefined };
    expect((await doors.ask(vital(), 'POST', 'Observation', sign)).status).toBe(201);
  });

  test('two such scopes are the union, a constraint nobody can test is nothing', async () => {
    const both = vital(' patient/Observation.rs?category=laboratory&status=final');
    expect(found(await get('Observation?_id=lab-p1,vital-p1,lab-p2', both))).toEqual([
      'Observation/lab-p1',
      'Observation/vital-p1',
    ]);
    expect((await get('Observation/lab-p1', both)).status).toBe(200);
    const odd = app('patient/Observation.rs?nothing=x');
    expect((await get('Observation', odd)).json.total).toBe(0);
    expect((await get('Observation/lab-p1', odd)).status).toBe(404);
  });
});

describe('attack 32: scopes that are none', () => {
  test.each([
    'patient/Observation.sr',
    'patient/*.*x',
    'Patient.cruds ',
    'patient/Patient.cruds\0',
    `patient/Observation.rs?category=${'x'.repeat(10_000)}`,
    Array.from({ length: 5_000 }, (_, n) => `patient/Observation.rs?code=${n}`).join(' '),
  ])('%.40j', (text) => {
    expect(() => parseScopes(text, doors.opened.repository.definitions.resourceTypes)).toThrow(MalformedScope);
  });
});

describe('attack 33: reading everything, creating one thing', () => {
  test('is exactly that', async () => {
    const caller = app('patient/*.read patient/Observation.c');
    expect((await get('Encounter/visit-p1', caller)).status).toBe(200);
    const body = { ...observation('new', 'Patient/p1'), id: undefined };
    expect((await doors.ask(caller, 'POST', 'Observation', body)).status).toBe(201);
    expect((await doors.ask(caller, 'PUT', 'Observation/lab-p1', observation('lab-p1', 'Patient/p1'))).status).toBe(
      403,
    );
    expect((await doors.ask(caller, 'DELETE', 'Observation/lab-p1')).status).toBe(403);
    const flag = { resourceType: 'Flag', status: 'active', code: { text: 'x' }, subject: { reference: 'Patient/p1' } };
    expect((await doors.ask(caller, 'POST', 'Flag', flag)).status).toBe(403);
  });
});

describe('attack 34: wildcards', () => {
  test('do not open what only the server writes, to anybody', async () => {
    const { all } = doors;
    for (const resourceType of ['AuditEvent', 'PaymentNotice'])
      expect((await doors.ask(all(), 'POST', resourceType, { resourceType })).status).toBe(405);
  });

  test('are no right of an administrator', async () => {
    expect((await get('Patient/$explain?name=x', doors.holder('user/*.cruds'))).status).toBe(403);
  });
});

describe('attack 35: one letter for another', () => {
  test.each([
    ['r', 'GET', 'Observation'],
    ['r', 'GET', 'Observation/_history'],
    ['s', 'GET', 'Observation/lab-p1'],
    ['s', 'GET', 'Observation/lab-p1/_history'],
    ['u', 'PUT', 'Observation/not-yet'],
    ['c', 'PUT', 'Observation/lab-p1'],
    ['rus', 'DELETE', 'Observation/lab-p1'],
  ] as const)('.%s at %s %s', async (letters, method, path) => {
    const body = method === 'PUT' ? observation(path.split('/')[1] ?? '', 'Patient/p1') : undefined;
    for (const caller of [app(`patient/Observation.${letters}`), doors.holder(`system/Observation.${letters}`)])
      expect((await doors.ask(caller, method, path, body)).status).toBe(403);
  });
});

describe('attack 36: numbers and orders', () => {
  test('only what is visible is counted, whatever is asked for', async () => {
    await doors.store([observation('one-more', 'Patient/p2', 'survey')]);
    const caller = app('patient/Observation.rs?category=vital-signs&_id=vital-p1');
    for (const query of [
      '_summary=count',
      '_total=accurate',
      '_total=accurate&_count=1',
      '_sort=-date&_total=accurate',
    ])
      expect([query, (await get(`Observation?${query}`, caller)).json.total]).toEqual([query, 1]);
    expect((await get('Patient/p1/Observation?_summary=count', caller)).json.total).toBe(1);
    expect((await get('?_type=Observation&_summary=count', caller)).json.total).toBe(1);
    expect((await get('Observation?_elements=code&_sort=_lastUpdated', caller)).json.entry).toHaveLength(1);
  });

  test('a history tells no number of versions that are out of sight', async () => {
    await doors.store([observation('past', 'Patient/p2')]);
    await doors.store([observation('past', 'Patient/p1')]);
    await doors.store([{ ...observation('past', 'Patient/p1'), status: 'amended' }]);
    const { json } = await get('Observation/past/_history');
    expect([json.total, json.entry.map((one: { resource: { meta: object } }) => one.resource.meta)]).toMatchObject([
      2,
      [{ versionId: '3' }, { versionId: '2' }],
    ]);
    expect((await get('Observation/past/_history?_count=0')).json.total).toBeUndefined();
    expect((await get('Observation/past/_history/1')).status).toBe(404);
    expect((await get('Observation/past/_history/2')).status).toBe(200);
    const ofType = await get('Observation/_history?_count=1000');
    expect(found(ofType).filter((one) => one === 'Observation/past')).toHaveLength(2);
    expect(ofType.json.total).toBe(ofType.json.entry.length);
    const first = await get('Observation/_history?_count=1');
    const place = new URL(first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url);
    const second = await get(`Observation/_history${place.search}`);
    expect([found(first), found(second)]).toEqual([['Observation/past'], ['Observation/past']]);
    expect([first.json.total, second.json.total]).toEqual([undefined, undefined]);
    await doors.store([observation('past', 'Patient/p2')]);
    expect(found(await get('Observation/_history?_count=1000'))).not.toContain('Observation/past');
    expect((await get('Observation/past/_history/2')).status).toBe(404);
    expect((await get('Observation/past/_history')).status).toBe(404);
  });
});

describe('attack 37: taking a label away', () => {
  const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'V' };
  const versions = async (id: string) => (await get(`Observation/${id}`, doors.all())).json.meta;
  const metaDelete = (caller = doors.all()) =>
    doors.ask(caller, 'POST', 'Observation/secret/$meta-delete', {
      ...{ resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { security: [label] } }] },
    });

  test('is for who has the right alone; a PUT or a patch leaves it where it is', async () => {
    await doors.store([{ ...observation('secret', 'Patient/p1'), meta: { security: [label] } }]);
    const plain = observation('secret', 'Patient/p1', 'survey');
    expect((await doors.ask(doors.all(), 'PUT', 'Observation/secret', plain)).status).toBe(200);
    expect(await versions('secret')).toMatchObject({ versionId: '2', security: [label] });
    const type = { 'Content-Type': 'application/json-patch+json' };
    const patch = [{ op: 'remove', path: '/meta/security' }];
    expect((await doors.ask(doors.all(), 'PATCH', 'Observation/secret', patch, type)).status).toBe(200);
    expect((await versions('secret')).security).toEqual([label]);
    expect((await metaDelete()).status).toBe(403);
    expect((await versions('secret')).security).toEqual([label]);
    expect((await metaDelete({ ...doors.all(), operations: new Set(['op:security-label']) })).status).toBe(200);
    expect((await versions('secret')).security).toBeUndefined();
  });

  test('a new label stands beside the old one, which is not doubled', async () => {
    await doors.store([{ ...observation('labels', 'Patient/p1'), meta: { security: [label] } }]);
    const other = { system: label.system, code: 'R' };
    const next = { ...observation('labels', 'Patient/p1'), meta: { security: [other, label] } };
    await doors.ask(doors.all(), 'PUT', 'Observation/labels', next);
    await doors.ask(doors.all(), 'PUT', 'Observation/labels', { ...next, meta: { security: [other] } });
    expect((await versions('labels')).security).toEqual([other, label]);
  });
});
