// Roles: those of the system, read only, and the clinic's own (contract.md 47 and 48, domain.md S4-K1).

import { fhirError } from '../../fhir/outcome.ts';
import { type CustomRole, findCustomRole, listCustomRoles, putCustomRole } from '../../people/custom-roles.ts';
import { keepAdministrator } from '../../people/last-administrator.ts';
import { requireGivable } from '../../people/reserved-rights.ts';
import { requireGrants } from '../../people/role-grants.ts';
import { isSystemRole, roles } from '../../people/roles.ts';
import { systemGrantTexts } from '../../people/system-grants.ts';
import type { Session } from '../../repository/session.ts';
import type { AdminAnswer, JsonSchema } from '../admin-route.ts';
import { flag, listOf, objectOf, slug, text } from './schemas.ts';
import { created, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const name = text(100, 'For people: Senior nurse.');
const grant = {
  type: 'string',
  maxLength: 500,
  description:
    'A SMART scope `user/Type.cruds`, with search parameters of the type where only some rows are meant ' +
    '(`user/Observation.rs?category=laboratory`); with `own:` before it only what is the person’s own counts. ' +
    'Or an operation: `op:$find`, `op:overbook`.',
};
const grants: JsonSchema = listOf(grant, 300);

const role = objectOf(
  {
    slug,
    name,
    grants: { type: 'array', items: grant },
    active: flag,
    system: { type: 'boolean', description: 'Cannot be changed.' },
  },
  ['slug', 'name', 'grants', 'active', 'system'],
);

export const roleRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listRoles',
    method: 'GET',
    path: '/roles',
    summary: 'The roles of the system and those of the clinic.',
    answers: { 200: { description: 'All roles.', schema: { type: 'array', items: role } } },
    async run({ session }) {
      const custom = await listCustomRoles(session.trx);
      return { status: 200, body: [...systemViews, ...custom.map(view)] };
    },
  },
  {
    operationId: 'createRole',
    method: 'POST',
    path: '/roles',
    summary: 'Makes a role, which can be given at once.',
    body: objectOf({ slug, name, grants, active: flag }, ['slug', 'name', 'grants']),
    answers: { 201: { description: 'The role.', schema: role } },
    async run(call) {
      const { session, body } = call;
      requireOwnRole(body.slug);
      if (await findCustomRole(session.trx, body.slug)) {
        throw fhirError('duplicate', 'There is already a role with this slug.', { expression: 'slug' });
      }
      return created(call, `/roles/${body.slug}`, view(await put(session, body.slug, body)));
    },
  },
  {
    operationId: 'readRole',
    method: 'GET',
    path: '/roles/{slug}',
    summary: 'One role.',
    answers: { 200: { description: 'The role.', schema: role } },
    run: readOne,
  },
  {
    operationId: 'putRole',
    method: 'PUT',
    path: '/roles/{slug}',
    summary:
      'Replaces a role, or makes it; in force at once for everybody who holds it. `active: false` takes it from all.',
    body: objectOf({ slug, name, grants, active: flag }, ['name', 'grants']),
    answers: {
      200: { description: 'The role as it is now.', schema: role },
      201: { description: 'There was none with this slug.', schema: role },
    },
    current: readOne,
    run: replace,
  },
];

async function readOne({ session, params: { slug: asked = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const system = systemViews.find((one) => one.slug === asked);
  if (system) return { status: 200, body: system };
  const custom = await findCustomRole(session.trx, asked);
  if (!custom) throw fhirError('not-found', 'There is no such role.');
  return { status: 200, body: view(custom) };
}

async function replace(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, params, body } = call;
  const { slug: asked = '' } = params;
  requireOwnRole(asked);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(asked) || asked.length > 64) {
    throw fhirError('value', 'A slug is words of small letters and digits, joined by "-".', { expression: 'slug' });
  }
  if (body.slug !== undefined && body.slug !== asked) {
    throw fhirError('invalid', 'The slug of a role cannot change.', { expression: 'slug' });
  }
  const before = await findCustomRole(session.trx, asked);
  if (before) requireGivable(session.caller, before.grants);
  const after = view(await put(session, asked, { active: before?.active ?? true, ...body }));
  return before ? { status: 200, body: after } : created(call, `/roles/${asked}`, after);
}

type RoleBody = Omit<CustomRole, 'active'> & Partial<Pick<CustomRole, 'active'>>;

async function put(session: Session, asked: string, body: RoleBody): Promise<CustomRole> {
  requireGrants(body.grants, session.definitions);
  requireGivable(session.caller, body.grants);
  const made = { slug: asked, name: body.name, grants: body.grants, active: body.active ?? true };
  await keepAdministrator(session.trx, () => putCustomRole(session.trx, made));
  return made;
}

function requireOwnRole(asked: string): void {
  if (isSystemRole(asked)) throw fhirError('forbidden', 'This is a role of the system, which nobody changes.');
}

const systemViews = Object.entries(roles).map(([asked, { name: shown }]) => ({
  slug: asked,
  name: shown as string,
  grants: systemGrantTexts(asked),
  active: true,
  system: true,
}));

function view(custom: CustomRole) {
  return { ...custom, system: false };
}
