// Consents of privacy keep records from whom they name, at every door and at once: https://hl7.org/fhir/R4/consent.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Consent, ConsentProvision, Resource } from '@medplum/fhirtypes';
import type { Caller } from '../../src/access/caller.ts';
import { denyingConsent } from '../../src/repository/consents/denying-consent.ts';
import { found, type OpenedDoors, openAllDoors } from '../attacks/doors.ts';
import { observation, records } from '../attacks/records.ts';

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
  for (const tenant of doors.tenants) await doors.store(records, tenant);
});
afterAll(() => doors.close());

/** Of the first tenant. */
const base = 'http://hpms.test/t/doors-a/fhir';
const scopes = 'http://terminology.hl7.org/CodeSystem/consentscope';

function consent(provision: ConsentProvision, rest: Partial<Consent> = {}): Consent & { id: string } {
  return {
    resourceType: 'Consent',
    id: 'c',
    status: 'active',
    scope: { coding: [{ system: scopes, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/p1' },
    policyRule: { text: 'as asked' },
    provision,
    ...rest,
  };
}

const actor = (reference: string) => [{ role: { text: 'whom' }, reference: { reference } }];
const types = (...codes: string[]) => codes.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));
const doctor = (id: string, rest: Partial<Caller> = {}): Caller =>
  doors.holder('user/*.cruds', { kind: 'staff', fhirUser: `Practitioner/${id}`, ...rest });
const ids = (type: string, caller = doctor('dr1')) =>
  doors.ask(caller, 'GET', `${type}?_id=lab-p1,lab-p2,vital-p1,visit-p1,visit-p2,p1,p2&_count=100`).then(found);
const status = (path: string, caller = doctor('dr1')) => doors.ask(caller, 'GET', path).then((answer) => answer.status);

/** With this Consent in force and, afterwards, without it. */
async function under(one: Consent, check: () => Promise<void>): Promise<void> {
  await doors.store([one]);
  await check();
  await doors.store([{ ...one, status: 'inactive' }]);
  expect(await status('Observation/lab-p1')).toBe(200);
}

describe('a denial', () => {
  test('of one person keeps everything of the patient from that person, at every door', async () => {
    await under(consent({ type: 'deny', actor: actor('Practitioner/dr1') }), async () => {
      expect(await ids('Observation')).toEqual(['Observation/lab-p2']);
      expect(await ids('Patient')).toEqual(['Patient/p2']);
      for (const path of [
        'Observation/lab-p1',
        'Patient/p1',
        'Observation/lab-p1/_history',
        'Observation/lab-p1/_history/1',
        'Observation/lab-p1/$meta',
        'Binary/binary-p1',
        'Account/both',
      ])
        expect([path, await status(path)]).toEqual([path, 404]);
      const count = await doors.ask(doctor('dr1'), 'GET', 'Observation?subject=Patient/p1&_summary=count');
      expect(count.json.total).toBe(0);
      expect(found(await doors.ask(doctor('dr1'), 'GET', 'Patient/p1/*'))).toEqual(['Consent/c', 'Patient/p2']);
      expect(found(await doors.ask(doctor('dr1'), 'GET', 'Encounter?subject:Patient._id=p1'))).toEqual([]);
      expect(found(await doors.ask(doctor('dr1'), 'GET', 'List?_id=list-p2&_include=List:subject'))).toEqual([
        'List/list-p2',
        'Patient/p2',
      ]);
      const history = await doors.ask(doctor('dr1'), 'GET', 'Observation/_history?_count=1000');
      expect(found(history).filter((one) => one.endsWith('p1'))).toEqual([]);
      expect(history.json.total).toBe(history.json.entry.length);
      expect(
        (await doors.ask(doctor('dr1'), 'PUT', 'Observation/lab-p1', observation('lab-p1', 'Patient/p1'))).status,
      ).toBe(403);
      expect((await doors.ask(doctor('dr1'), 'DELETE', 'Observation/lab-p1')).status).toBe(204);
      expect(await status('Observation/lab-p1', doctor('dr2'))).toBe(200);
    });
  });

  test('of a type, a label or a purpose denies that alone', async () => {
    await under(consent({ type: 'deny', class: types('Observation') }), async () => {
      expect([await ids('Observation'), await status('Encounter/visit-p1')]).toEqual([['Observation/lab-p2'], 200]);
    });
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }];
    await doors.store([{ ...observation('labelled', 'Patient/p1'), meta: { security } }]);
    await under(consent({ type: 'deny', securityLabel: security }), async () => {
      expect([await status('Observation/labelled'), await status('Observation/lab-p1')]).toEqual([404, 200]);
      expect(found(await doors.ask(doctor('dr1'), 'GET', 'Observation?_id=labelled,lab-p1'))).toEqual([
        'Observation/lab-p1',
      ]);
    });
    await under(consent({ type: 'deny', purpose: [{ code: 'HRESCH' }] }), async () => {
      expect(await status('Observation/lab-p1')).toBe(200);
      expect(await status('Observation/lab-p1', doctor('dr1', { purposeOfUse: 'HRESCH' }))).toBe(404);
    });
  });

  test('of a purpose denies each kind of it, and none that is wider', async () => {
    const asked = async (...purposes: string[]) =>
      await Promise.all(purposes.map((one) => status('Observation/lab-p1', doctor('dr1', { purposeOfUse: one }))));
    await under(consent({ type: 'deny', purpose: [{ code: 'HRESCH' }] }), async () => {
      expect(await asked('CLINTRCH', 'PRECLINTRCH', 'HPAYMT', 'CLINTRL')).toEqual([404, 404, 200, 200]);
    });
    await under(consent({ type: 'deny', purpose: [{ code: 'CLINTRCH' }] }), async () => {
      expect(await asked('CLINTRCHPC', 'HRESCH', 'BIORCH')).toEqual([404, 200, 200]);
    });
    const any = consent({
      type: 'deny',
      purpose: [{ code: 'PurposeOfUse' }],
      provision: [{ type: 'permit', purpose: [{ code: 'TREAT' }] }],
    });
    await under(any, async () => {
      expect(await asked('HPAYMT', 'HMARKT', 'TREAT', 'COC')).toEqual([404, 404, 200, 200]);
      expect(await status('Observation/lab-p1')).toBe(200);
    });
  });

  test('outside its period denies nothing', async () => {
    await under(consent({ type: 'deny', period: { start: '2001-01-01', end: '2001-12-31' } }), async () => {
      expect(await status('Observation/lab-p1')).toBe(200);
    });
    await under(consent({ type: 'deny', period: { start: '2001-01-01' } }), async () => {
      expect(await status('Observation/lab-p1')).toBe(404);
    });
  });

  test('is nothing to another tenant, to the patient and to who breaks the glass', async () => {
    await under(consent({ type: 'deny' }), async () => {
      expect(await status('Observation/lab-p1')).toBe(404);
      expect(await status('Observation/lab-p1', doctor('dr1', { tenantId: doors.tenants[1] }))).toBe(200);
      const own = doors.holder('patient/*.rs', { kind: 'patient', patient: 'p1', fhirUser: 'Patient/p1' });
      expect(await status('Observation/lab-p1', own)).toBe(200);
      expect(await status('Observation/lab-p1', doctor('dr1', { purposeOfUse: 'BTG' }))).toBe(200);
    });
  });

  test('ends with the Consent, which stays in sight for whoever is to change it', async () => {
    await doors.store([consent({ type: 'deny' })]);
    expect(await status('Observation/lab-p1')).toBe(404);
    expect(await status('Consent/c')).toBe(200);
    expect((await doors.ask(doctor('dr1'), 'DELETE', 'Consent/c')).status).toBe(204);
    doors.opened.forget();
    expect(await status('Observation/lab-p1')).toBe(200);
  });
});

describe('a provision inside another', () => {
  test('is the exception from it, and one inside that the exception from the exception', async () => {
    const inner: ConsentProvision = { type: 'deny', class: types('Observation') };
    const nested = consent({
      type: 'deny',
      provision: [{ type: 'permit', actor: actor('Practitioner/dr1'), provision: [inner] }],
    });
    await under(nested, async () => {
      expect([await status('Encounter/visit-p1'), await status('Observation/lab-p1')]).toEqual([200, 404]);
      expect(await status('Encounter/visit-p1', doctor('dr2'))).toBe(404);
      expect(await ids('Encounter')).toEqual(['Encounter/visit-p1', 'Encounter/visit-p2']);
      expect(await ids('Encounter', doctor('dr2'))).toEqual(['Encounter/visit-p2']);
    });
  });

  test('of a permit denies, and what it does not name stays permitted', async () => {
    await under(consent({ type: 'permit', provision: [{ type: 'deny', class: types('Encounter') }] }), async () => {
      expect([await status('Encounter/visit-p1'), await status('Observation/lab-p1')]).toEqual([404, 200]);
    });
  });

  test('permits nothing where what it is narrowed by is not understood', () => {
    const code = [{ text: 'something' }];
    const read = denyingConsent(consent({ type: 'deny', provision: [{ type: 'permit', code }] }), base);
    expect(read?.provision.exceptions).toEqual([]);
    expect(denyingConsent(consent({ type: 'permit', code, provision: [{ type: 'deny' }] }), base)).toBeDefined();
  });
});

describe('a Consent that names things by whole URLs', () => {
  const everybody = (patient: string) => consent({ type: 'deny' }, { patient: { reference: patient } });

  test.each(['Patient/p1', `${base}/Patient/p1`, `${base}/Patient/p1/_history/1`])(
    'is in force for the patient %s of this clinic',
    async (patient) => {
      await under(everybody(patient), async () => {
        expect([await status('Observation/lab-p1'), await status('Observation/lab-p2')]).toEqual([404, 200]);
      });
    },
  );

  test.each([
    ...['https://elsewhere.example/fhir/Patient/p1', 'http://hpms.test/t/doors-b/fhir/Patient/p1'],
    ...['http://hpms.test/t/doors-abc/fhir/Patient/p1', `${base}/../fhir/Patient/p1`, 'urn:uuid:p1'],
  ])('is not in force for %s, which is another server’s or another clinic’s', async (patient) => {
    await under(everybody(patient), async () => {
      expect([await status('Observation/lab-p1'), await status('Observation/lab-p2')]).toEqual([200, 200]);
    });
  });

  test('denies the person of this clinic that it names, and nobody here who has the id of one elsewhere', async () => {
    await under(consent({ type: 'deny', actor: actor(`${base}/Practitioner/dr1`) }), async () => {
      expect(await status('Observation/lab-p1')).toBe(404);
      expect(await status('Observation/lab-p1', doctor('dr2'))).toBe(200);
    });
    await under(
      consent({ type: 'deny', actor: actor('https://elsewhere.example/fhir/Practitioner/dr1') }),
      async () => {
        expect(await status('Observation/lab-p1')).toBe(200);
      },
    );
    const permit = { type: 'permit' as const, actor: actor('https://elsewhere.example/fhir/Practitioner/dr1') };
    await under(consent({ type: 'deny', provision: [permit] }), async () => {
      expect(await status('Observation/lab-p1')).toBe(404);
    });
  });

  test('means this clinic’s own base only: the same text denies nothing in another clinic', async () => {
    await doors.store([everybody(`${base}/Patient/p1`)], doors.tenants[1]);
    expect(await status('Observation/lab-p1', doctor('dr1', { tenantId: doors.tenants[1] }))).toBe(200);
    await doors.store([{ ...everybody('Patient/p1'), status: 'inactive' }], doors.tenants[1]);
  });
});

describe('no denial is', () => {
  test.each<[string, Resource]>([
    ['a permit', consent({ type: 'permit' })],
    ['a draft', consent({ type: 'deny' }, { status: 'draft' })],
    [
      'one of treatment',
      consent({ type: 'deny' }, { scope: { coding: [{ code: 'treatment' }] }, category: [{ text: 'x' }] }),
    ],
    ['one that keeps from correcting alone', consent({ type: 'deny', action: [{ coding: [{ code: 'correct' }] }] })],
    ['one of nobody', { ...consent({ type: 'deny' }), patient: { display: 'somebody' } } as Resource],
    ['another resource', { resourceType: 'Patient' }],
  ])('%s', (_, resource) => {
    expect(denyingConsent(resource, base)).toBeUndefined();
  });
});

test('a Consent that was stored before denials were kept is found by reading', async () => {
  await doors.store([consent({ type: 'deny' })]);
  await doors.doors.tenantDoor(doors.tenants[0], async (trx) => {
    trx.execute({ text: "DELETE FROM setting WHERE key = 'privacy.denials'" });
    await Promise.resolve();
  });
  const again = doors.reopen();
  const denials = await again.repository.denials?.of(doors.tenants[0]);
  expect(denials?.consents).toMatchObject([{ patient: 'p1' }]);
  expect(await again.repository.denials?.of(doors.tenants[1])).toBeUndefined();
});
