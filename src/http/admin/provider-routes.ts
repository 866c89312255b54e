// The identity providers that a clinic's people may sign in by: https://openid.net/specs/openid-connect-core-1_0.html

import { fhirError } from '../../fhir/outcome.ts';
import {
  changeIdentityProvider,
  createIdentityProvider,
  deleteIdentityProvider,
  findIdentityProvider,
  type IdentityProvider,
  listIdentityProviders,
} from '../../people/identity-providers.ts';
import type { AdminAnswer } from '../admin-route.ts';
import { flag, noContent, objectOf, orNone, text, url } from './schemas.ts';
import { created, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const changeable = {
  clientId: text(400, 'As what the provider knows the clinic.'),
  scopes: {
    type: 'string',
    pattern: '^[\\x21-\\x7e]+( [\\x21-\\x7e]+)*$',
    maxLength: 500,
    description: 'openid profile',
  },
  display: text(100, 'What the sign-in page calls it.'),
  active: flag,
} as const;
const clientSecret = { ...text(1_000, 'Kept encrypted and never shown again.') };
const issuer = {
  ...url,
  description: 'Exactly as in its id_tokens; it cannot be changed, for accounts are linked to it.',
};

const provider = objectOf({ id: { type: 'string' }, issuer, ...changeable, hasSecret: flag }, [
  ...['id', 'issuer', 'clientId', 'scopes', 'display', 'active', 'hasSecret'],
]);

export const providerRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listIdentityProviders',
    method: 'GET',
    path: '/identity-providers',
    summary: 'Identity providers.',
    answers: { 200: { description: 'All of them, at most 20.', schema: { type: 'array', items: provider } } },
    async run({ session }) {
      return { status: 200, body: (await listIdentityProviders(session.trx, session.cipher)).map(view) };
    },
  },
  {
    operationId: 'createIdentityProvider',
    method: 'POST',
    path: '/identity-providers',
    summary: 'Registers an identity provider; the sign-in page offers it at once.',
    body: objectOf({ issuer, ...changeable, clientSecret }, ['issuer', 'clientId', 'display']),
    answers: { 201: { description: 'The provider.', schema: provider } },
    async run(call) {
      const { session, body } = call;
      const details = { scopes: 'openid', active: true, ...body };
      const made = await createIdentityProvider(session.trx, session.cipher, details);
      return created(call, `/identity-providers/${made.id}`, view(made));
    },
  },
  {
    operationId: 'readIdentityProvider',
    method: 'GET',
    path: '/identity-providers/{id}',
    summary: 'One identity provider.',
    answers: { 200: { description: 'The provider.', schema: provider } },
    run: readOne,
  },
  {
    operationId: 'changeIdentityProvider',
    method: 'PATCH',
    path: '/identity-providers/{id}',
    summary: 'Changes what is given; null takes the secret away.',
    body: objectOf({ ...changeable, clientSecret: orNone(clientSecret) }),
    answers: { 200: { description: 'The provider as it is now.', schema: provider } },
    current: readOne,
    async run({ session, params: { id = '' }, body }) {
      const change = { ...body, ...(body.clientSecret === null && { clientSecret: undefined }) };
      const changed = await changeIdentityProvider(session.trx, session.cipher, id, change);
      if (!changed) throw noProvider();
      return { status: 200, body: view(changed) };
    },
  },
  {
    operationId: 'deleteIdentityProvider',
    method: 'DELETE',
    path: '/identity-providers/{id}',
    summary: 'Nobody signs in by it any more; accounts stay linked, should it come back.',
    answers: noContent,
    current: readOne,
    async run({ session, params: { id = '' } }) {
      if (!(await deleteIdentityProvider(session.trx, id))) throw noProvider();
      return { status: 204 };
    },
  },
];

async function readOne({ session, params: { id = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const found = await findIdentityProvider(session.trx, session.cipher, id);
  if (!found) throw noProvider();
  return { status: 200, body: view(found) };
}

function view({ clientSecret: secret, ...rest }: IdentityProvider) {
  return { ...rest, hasSecret: secret !== undefined };
}

function noProvider(): Error {
  return fhirError('not-found', 'There is no such identity provider.');
}
