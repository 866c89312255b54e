// What is out of a caller's reach might as well not exist: every answer is that of a tenant without it.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import type { Caller, Grant } from '../../src/access/caller.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { type OpenedDoors, openAllDoors } from './doors.ts';
import { observation, ofFirst, records } from './records.ts';

const more: readonly Resource[] = [
  ...['p1', 'p2'].map(
    (patient): Resource =>
      observation(`shared-${patient}`, `Patient/${patient}`, 'survey', {
        identifier: [{ system: 'urn:ids', value: patient }],
        note: [{ text: `remark about ${patient}` }],
        effectiveDateTime: patient === 'p1' ? '2026-03-01' : '2026-04-01',
        valueQuantity: { value: patient === 'p1' ? 1 : 2, unit: 'mg', system: 'urn:u', code: 'mg' },
      }),
  ),
];
const all = [...records, ...more];
const open = ['Practitioner/dr1', 'Practitioner/dr2', 'Organization/org'];

const denial: Resource = {
  ...{ resourceType: 'Consent', id: 'denial', status: 'active', patient: { reference: 'Patient/p1' } },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  ...{ policyRule: { text: 'as asked' }, provision: { type: 'deny' } },
};
const nameOf = ({ resourceType, id }: Resource) => `${resourceType}/${id}`;

interface Reader {
  readonly name: string;
  readonly rights: Partial<Caller> & { readonly scopes: string };
  readonly seen: readonly string[];
}

const own: Grant = { context: 'user', type: '*', permissions: new Set([...'cruds'] as never[]), isOwn: true };
const readers: readonly Reader[] = [
  {
    name: 'an app of one patient',
    rights: { scopes: 'patient/*.cruds', patient: 'p1' },
    seen: [...ofFirst, ...open, 'Binary/binary-p1', 'Observation/shared-p1'],
  },
  {
    name: 'an app of vital signs',
    rights: { scopes: 'patient/Observation.cruds?category=vital-signs', patient: 'p1' },
    seen: ['Observation/vital-p1'],
  },
  {
    name: 'a provider of own records',
    rights: { scopes: 'user/Basic.r', grants: [own], fhirUser: 'Practitioner/dr1', kind: 'staff' },
    seen: [
      ...['Practitioner/dr1', 'Encounter/visit-p1', 'Observation/lab-p1', 'Appointment/visit-p1'],
      ...['Appointment/visit-p2', 'Provenance/prov-p1', 'Provenance/prov-p2', 'Provenance/both'],
    ],
  },
  {
    name: 'a provider of everything whom a patient denies it',
    rights: { scopes: 'user/*.cruds', fhirUser: 'Practitioner/dr1', kind: 'staff' },
    seen: all.map(nameOf).filter((name) => !/-p1$|\/p1$|both$/.test(name)),
  },
];

const reads = [
  ...['lab-p1', 'lab-p2', 'vital-p1', 'vital-p2', 'never-was'].flatMap((id) =>
    ['', '/_history', '/_history/1', '/$meta', '/$validate', '/_history/1/$meta', '/_history?_count=0'].map(
      (tail) => `Observation/${id}${tail}`,
    ),
  ),
  ...['Patient/p2', 'Encounter/visit-p2', 'Appointment/both', 'Account/both', 'Group/both', 'Binary/binary-p2'],
  ...['Observation', 'Encounter', 'Appointment', 'Patient', 'List', 'Account', 'Provenance', 'Device'].flatMap((type) =>
    ['', '&_total=accurate', '&_total=estimate', '&_sort=-_id', '&_elements=id'].map(
      (rest) => `${type}?_count=3${rest}`,
    ),
  ),
  ...[
    ...['_id=lab-p2', '_id:not=lab-p1', '_lastUpdated=gt2000', '_text=remark', '_content=remark', '_list=list-p2'],
    ...['_list=list-p1', '_filter=code eq lab-p2', '_filter=subject eq Patient/p2 or category eq survey'],
    ...['_filter=not (status eq planned)', '_filter=encounter.status eq finished', '_tag=x', '_tag:not=x'],
    ...['subject=Patient/p2', 'subject:not=Patient/p2', 'subject:missing=true', 'subject:missing=false'],
    ...['subject:Patient.name=a', 'subject.birthdate=gt1800', 'encounter.status=finished', 'encounter:missing=false'],
    ...['encounter.service-provider.name=Clinic', 'performer:Practitioner.name=Doctor', 'performer.name:missing=false'],
    ...['derived-from.code:text=lab', 'derived-from.subject.name:missing=false', 'identifier=urn:ids|p2'],
    ...['identifier:not=urn:ids|p2', 'value-quantity=gt1', 'date=gt2026-03-15', 'code:text=lab', 'code:text=vital'],
    ...['subject:Patient._has:Encounter:subject:status=finished', '_has:Observation:derived-from:code:text=vital'],
    ...['_has:Observation:derived-from:_has:Observation:derived-from:status=final', 'category=laboratory'],
    ...['_has:List:item:status=current', 'subject:Patient.link=Patient/p1', 'category:not=laboratory'],
    ...['_include=*', '_include=Observation:*', '_include=Observation:encounter&_include:iterate=Encounter:*'],
    ...['_revinclude=*', '_revinclude=List:item', '_revinclude=Observation:derived-from', '_sort=date', '_sort=-date'],
    ...['_sort=code', '_sort=-value-quantity', '_sort=subject', '_summary=count', '_summary=true', '_sort=-code'],
  ].map((query) => `Observation?${query}`),
  ...['Encounter?_has:Observation:encounter:code:text=lab', 'Encounter?_revinclude=Observation:encounter'],
  ...['Patient?link=Patient/p1', 'Patient?_has:Observation:subject:code:text=lab', 'Patient?_revinclude=*'],
  ...['Patient?_has:Account:subject:status=active', 'Patient?_has:Appointment:actor:status=proposed'],
  ...['Practitioner?_has:Observation:performer:code:text=lab', 'Practitioner?_revinclude=Observation:performer'],
  ...['Organization?_has:Encounter:service-provider:subject=Patient/p2', 'Organization?_revinclude=Encounter:*'],
  ...['Appointment?actor=Patient/p2', 'Appointment?actor:Patient._id=p2', 'List?item=Observation/lab-p2'],
  ...['List?item.code:text=lab', 'Provenance?target=Patient/p2', 'Group', 'Task'],
  // An AuditEvent about a record of two patients is shown to the app of neither.
  ...['patient=Patient/p2', 'entity=Observation/lab-p2', 'entity=Patient/p2'].map(
    (query) => `AuditEvent?${query}&_summary=count`,
  ),
  ...['Observation/_history', 'Observation/_history?_since=2000-01-01', 'Patient/_history?_at=2030', '_history'],
  ...['Patient/p1/*', 'Patient/p2/*', 'Patient/p2/Observation', 'Practitioner/dr1/*', 'Practitioner/dr1/Observation'],
  ...['Practitioner/dr2/Encounter', 'Encounter/visit-p1/Observation', 'Encounter/visit-p2/*', 'Device/device-p2/*'],
  ...[
    '?_type=Patient,Observation,Encounter',
    '?_id=lab-p2',
    '?_summary=count',
    '?_type=Observation&_lastUpdated=gt2000',
  ],
];

const patchType = { 'Content-Type': 'application/json-patch+json' };
const mine = { ...observation('x', 'Patient/p1', 'vital-signs'), id: undefined };
const linked = (reference: string) => ({ ...mine, encounter: { reference } });
const transaction = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });
const post = (resource: object, rest: object = {}) => ({
  ...{ resource, request: { method: 'POST', url: 'Observation', ...rest } },
});
const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };

/** In this order: what one writes the next ones find. An update of a taken id cannot be answered as one of a free id is. */
const writes: readonly (readonly [
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
])[] = [
  ...['identifier=urn:ids|p2', 'subject=Patient/p2', '_id=lab-p2', 'encounter.subject=Patient/p2'].flatMap(
    (criteria) =>
      [
        ['POST', 'Observation', mine, { 'If-None-Exist': criteria }],
        ['PUT', `Observation?${criteria}`, mine],
        ['PATCH', `Observation?${criteria}`, [], patchType],
        ['DELETE', `Observation?${criteria}`],
        ['POST', '', transaction(post(mine, { ifNoneExist: `${criteria}&status=final` }))],
      ] as const,
  ),
  ...[
    'Encounter?subject=Patient/p2',
    'Encounter?_id=visit-p2',
    'Encounter?_id=never-was',
    'Encounter?_id=visit-p1',
  ].map((reference) => ['POST', '', transaction(post(linked(reference)))] as const),
  ['POST', '', transaction(post(mine), { request: { method: 'GET', url: 'Observation?code:text=lab' } })],
  ['POST', '', transaction({ request: { method: 'DELETE', url: 'Observation/lab-p2' } }, post(mine))],
  ['POST', '', transaction({ request: { method: 'DELETE', url: 'Observation?subject=Patient/p2' } })],
  ['POST', '', { ...transaction({ request: { method: 'GET', url: 'Observation/lab-p2' } }), type: 'batch' }],
  ...['lab-p2', 'both', 'never-was', 'lab-p1'].flatMap(
    (id) =>
      [
        ['PATCH', `Observation/${id}`, [{ op: 'test', path: '/status', value: 'final' }], patchType],
        ['PATCH', `Observation/${id}`, [], { ...patchType, 'If-Match': 'W/"1"' }],
        ['DELETE', `Observation/${id}`, undefined, { 'If-Match': 'W/"1"' }],
        ['DELETE', `Observation/${id}`],
        ['POST', `Observation/${id}/$meta-add`, meta],
        ['POST', `Observation/${id}/$meta-delete`, meta],
      ] as const,
  ),
];

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
});
afterAll(() => doors.close());

/** Without times, and the ids, numbers of a series and cursors that the server made. */
function shape({ status, text, headers }: { status: number; text: string; headers: object }) {
  const plain = (some: string) =>
    some
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, 'time')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/g, 'time')
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'made')
      .replaceAll(/\b[A-Z]{2,3}-\d{4}-\d{5}\b/g, 'number')
      .replaceAll(/_cursor=[\w-]+/g, '_cursor');
  return [status, plain(text), plain(JSON.stringify(headers))];
}

describe.each(readers)('$name', ({ rights: { scopes, ...rest }, seen }) => {
  let pair: readonly [Caller, Caller];
  beforeAll(async () => {
    const name = scopes.replaceAll(/\W+/g, '-').toLowerCase();
    const [whole, without] = [`${name}-all`, `${name}-own`].map((one) => createTenant(doors.doors, { name: one }));
    const tenants = [(await whole)?.tenantId as number, (await without)?.tenantId as number] as const;
    const denials = scopes === 'user/*.cruds' ? [denial] : [];
    await doors.store([...all, ...denials], tenants[0]);
    await doors.store([...all.filter((one) => seen.includes(nameOf(one))), ...denials], tenants[1]);
    pair = [
      doors.holder(scopes, { ...rest, tenantId: tenants[0] }),
      doors.holder(scopes, { ...rest, tenantId: tenants[1] }),
    ];
  });

  const both = async (...asked: Parameters<OpenedDoors['ask']> extends [Caller, ...infer Rest] ? Rest : never) =>
    await Promise.all(pair.map(async (caller) => shape(await doors.ask(caller, ...asked))));

  test('reads what is there for it', async () => {
    for (const one of seen) expect([one, (await doors.ask(pair[0], 'GET', one)).status]).toEqual([one, 200]);
  });

  test('is told by no reading of anything else', async () => {
    const differing: unknown[] = [];
    for (const path of reads) {
      const [real, without] = await both('GET', path);
      if (JSON.stringify(real) !== JSON.stringify(without)) differing.push({ path, real, without });
    }
    expect(differing).toEqual([]);
  });

  test('is told by no writing of anything else', async () => {
    const differing: unknown[] = [];
    for (const [method, path, body, headers] of writes) {
      const [real, without] = await both(method, path, body, headers);
      if (JSON.stringify(real) !== JSON.stringify(without)) differing.push({ method, path, body, real, without });
    }
    expect(differing).toEqual([]);
  });
});
