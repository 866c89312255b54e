// Departments: Organizations of the type dept, below the clinic's own (domain.md S5-02, S4-M07).

import type { Organization } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { create } from '../../repository/create.ts';
import { find as findVersion } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import type { AdminAnswer } from '../admin-route.ts';
import { changeMembers, findResource, findResources } from './find-resources.ts';
import { flag, objectOf, resourceId, text } from './schemas.ts';
import { created, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const typeSystem = 'http://terminology.hl7.org/CodeSystem/organization-type';
const name = text(200, 'For people: Cardiology.');
const partOf = { ...resourceId, description: "Id of the Organization above it; the clinic's own by default." };
const department = objectOf(
  { id: { ...resourceId, description: 'Also that of the Organization.' }, name, partOf, active: flag },
  ['id', 'name', 'active'],
);

export const departmentRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listDepartments',
    method: 'GET',
    path: '/departments',
    summary: 'Departments: the Organizations of the type dept.',
    answers: { 200: { description: 'All departments.', schema: { type: 'array', items: department } } },
    async run({ session }) {
      const found = await findResources<Organization>(session, 'Organization', [['type', `${typeSystem}|dept`]]);
      return { status: 200, body: found.map(view) };
    },
  },
  {
    operationId: 'createDepartment',
    method: 'POST',
    path: '/departments',
    summary: 'Makes a department, as an Organization.',
    body: objectOf({ name, partOf, active: flag }, ['name']),
    answers: { 201: { description: 'The department.', schema: department } },
    run: add,
  },
  {
    operationId: 'readDepartment',
    method: 'GET',
    path: '/departments/{id}',
    summary: 'One department.',
    answers: { 200: { description: 'The department.', schema: department } },
    run: readOne,
  },
  {
    operationId: 'changeDepartment',
    method: 'PATCH',
    path: '/departments/{id}',
    summary: 'Changes what is given; everything else of the Organization stays.',
    body: objectOf({ name, partOf, active: flag }),
    answers: { 200: { description: 'The department as it is now.', schema: department } },
    current: readOne,
    run: change,
  },
];

async function add(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, body } = call;
  if (body.partOf !== undefined) await requireAbove(session, body.partOf);
  const above: string | undefined = body.partOf ?? (await clinicOf(call));
  const resource: Organization = {
    resourceType: 'Organization',
    active: body.active ?? true,
    type: [{ coding: [{ system: typeSystem, code: 'dept', display: 'Hospital Department' }] }],
    name: body.name,
    ...(above === undefined ? {} : { partOf: { reference: `Organization/${above}` } }),
  };
  const { id } = await create(session, resource);
  return created(call, `/departments/${id}`, view({ ...resource, id }));
}

/** The one Organization that provides care; undefined where there are several. */
async function clinicOf({ session }: TenantAdminCall): Promise<string | undefined> {
  const found = await findResources<Organization>(session, 'Organization', [['type', `${typeSystem}|prov`]]);
  return found.length === 1 ? found[0]?.id : undefined;
}

const levelsMax = 20;

/** Throws 422 where it is not there, or lies itself below the department that is to be `below` it. */
async function requireAbove(session: Session, above: string, below?: string): Promise<void> {
  let next: string | undefined = above;
  for (let level = 0; next !== undefined && level < levelsMax; level++) {
    if (next === below) throw fault('A department is not part of itself, nor of what is part of it.');
    const version = await findVersion(session, 'Organization', next);
    const organization = version && (parseBody(version) as Organization | undefined);
    if (!organization && level === 0) throw fault('There is no such Organization.');
    next = organization && parentOf(organization);
  }
}

function fault(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'partOf' });
}

async function readOne(call: TenantAdminCall): Promise<AdminAnswer> {
  return { status: 200, body: view(await find(call)) };
}

async function change(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, body } = call;
  const { id = '' } = await find(call);
  if (body.partOf !== undefined) await requireAbove(session, body.partOf, id);
  await changeMembers<Organization>(
    session,
    { type: 'Organization', id },
    {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.active === undefined ? {} : { active: body.active }),
      ...(body.partOf === undefined ? {} : { partOf: { reference: `Organization/${body.partOf}` } }),
    },
  );
  return await readOne(call);
}

function find({ session, params: { id = '' } }: TenantAdminCall): Promise<Organization> {
  return findResource<Organization>(session, { type: 'Organization', id, what: 'department' }, ({ type = [] }) =>
    type.some(({ coding = [] }) => coding.some(({ system, code }) => system === typeSystem && code === 'dept')),
  );
}

function parentOf({ partOf: above }: Organization): string | undefined {
  return /^Organization\/([^/]+)$/.exec(above?.reference ?? '')?.[1];
}

function view(organization: Organization) {
  const { id, name: shown, active } = organization;
  const parent = parentOf(organization);
  return { id, name: shown ?? '', ...(parent && { partOf: parent }), active: active ?? true };
}
