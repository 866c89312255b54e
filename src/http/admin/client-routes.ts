// API clients and apps: register, change, rotate secrets, disable (contract.md 47; RFC 7591 section 2 has the words).

import { fhirError } from '../../fhir/outcome.ts';
import { type Client, disableClient, findClient, listClients } from '../../people/clients.ts';
import {
  type ClientChange,
  changeClient,
  findManageable,
  type NewClient,
  registerClient,
  rotateSecret,
} from '../../people/register-client.ts';
import type { Session } from '../../repository/session.ts';
import { endAccessOfClient } from '../../smart/app-grants.ts';
import { MalformedScope, parseScopes } from '../../smart/scopes.ts';
import { tokenExchangeGrant } from '../../smart/token-exchange.ts';
import type { AdminAnswer, JsonSchema } from '../admin-route.ts';
import {
  flag,
  instant,
  limitOf,
  listOf,
  noContent,
  objectOf,
  orNone,
  paging,
  personReference,
  slugs,
  text,
  url,
} from './schemas.ts';
import { created, listed, type TenantAdminCall, type TenantRoute } from './tenant-route.ts';

const grantType = {
  type: 'string',
  enum: ['client_credentials', 'authorization_code', 'refresh_token', tokenExchangeGrant],
  description:
    'With the last one it may exchange tokens of people: its own, and unless it is public those of other apps.',
};
const authMethod = { type: 'string', enum: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] };
const jwks: JsonSchema = {
  type: 'object',
  required: ['keys'],
  properties: { keys: { type: 'array', maxItems: 20, items: { type: 'object' } } },
  description: 'Public keys: RSA of 2048 to 8192 bits, or EC on curve P-384.',
};

/** What can be registered and, but for the way it proves itself, changed. */
const registration: Readonly<Record<string, JsonSchema>> = {
  name: text(200, 'For people, also on the page that asks for consent.'),
  grantTypes: listOf(grantType, 4),
  scope: {
    type: 'string',
    maxLength: 8_000,
    description: 'SMART scopes, separated by spaces: the most it can be granted.',
  },
  roles: slugs,
  redirectUris: listOf(url, 20, 'Compared character by character.'),
  postLogoutRedirectUris: listOf(url, 20),
  origins: listOf(url, 20, 'Of its pages, which may read answers in a browser (CORS).'),
  contacts: listOf(text(254), 10, 'E-mail addresses of those responsible.'),
};
const optional: Readonly<Record<string, JsonSchema>> = {
  fhirUser: personReference,
  launchUrl: { ...url, description: 'Where an EHR launch begins.' },
  logoUri: url,
  clientUri: url,
};
const keys: Readonly<Record<string, JsonSchema>> = { jwks, jwksUri: { ...url, description: 'Where the keys are.' } };

const shown: Readonly<Record<string, JsonSchema>> = {
  clientId: { type: 'string' },
  ...registration,
  ...optional,
  ...keys,
  tokenEndpointAuthMethod: authMethod,
  active: flag,
  createdAt: instant,
  previousSecretEndsAt: { ...instant, description: 'Until then the secret before the last rotation is good too.' },
};
const always = ['clientId', 'tokenEndpointAuthMethod', 'active', 'createdAt', ...Object.keys(registration)];
const client = objectOf(shown, always);
const clientSecret = {
  type: 'string',
  description: 'Shown this once: only its hash is kept, and for a day, encrypted, the answer to an Idempotency-Key.',
};

export const clientRoutes: readonly TenantRoute[] = [
  {
    operationId: 'listClients',
    method: 'GET',
    path: '/clients',
    summary: 'API clients and apps, in the order they were registered.',
    query: paging,
    answers: { 200: { description: 'A page of clients.', schema: { type: 'array', items: client } } },
    run: list,
  },
  {
    operationId: 'registerClient',
    method: 'POST',
    path: '/clients',
    summary: 'Registers an API client or app.',
    description:
      'A client may hold roles: its token then has their rights beside its scopes, and `fhirUser` is who "own" means. With ' +
      '`jwks` or `jwksUri` it proves itself by private_key_jwt, else by a secret; `none` is for public apps.',
    body: objectOf({ ...registration, ...optional, ...keys, tokenEndpointAuthMethod: authMethod }, ['name']),
    answers: {
      201: {
        description: 'The client, and its secret if it has one.',
        schema: objectOf({ ...shown, clientSecret }, always),
      },
    },
    run: register,
  },
  {
    operationId: 'readClient',
    method: 'GET',
    path: '/clients/{clientId}',
    summary: 'One client.',
    answers: { 200: { description: 'The client.', schema: client } },
    run: readOne,
  },
  {
    operationId: 'changeClient',
    method: 'PATCH',
    path: '/clients/{clientId}',
    summary:
      'Changes what is given; null takes an optional member away. In force at once, also for tokens issued before.',
    body: objectOf({
      ...registration,
      ...Object.fromEntries(Object.entries(optional).map(([member, schema]) => [member, orNone(schema)])),
      ...keys,
      active: flag,
    }),
    answers: { 200: { description: 'The client as it is now.', schema: client } },
    current: readOne,
    run: change,
  },
  {
    operationId: 'rotateClientSecret',
    method: 'POST',
    path: '/clients/{clientId}/rotate-secret',
    summary: 'Makes a new secret; the one before stays good for a while.',
    body: objectOf({
      overlapSeconds: {
        type: 'integer',
        minimum: 0,
        maximum: 604_800,
        description: 'How long the secret before is good: a day by default, 0 ends it at once.',
      },
    }),
    answers: {
      200: {
        description: 'The new secret.',
        schema: objectOf({ clientId: { type: 'string' }, clientSecret, previousSecretEndsAt: instant }, [
          'clientId',
          'clientSecret',
        ]),
      },
    },
    run: rotate,
  },
  {
    operationId: 'disableClient',
    method: 'DELETE',
    path: '/clients/{clientId}',
    summary: 'Disables a client: its tokens end at once. `active: true` brings it back.',
    answers: noContent,
    current: readOne,
    async run({ session, params: { clientId = '' } }) {
      if (!(await findManageable(session, clientId))) throw noClient();
      await disableClient(session.trx, clientId);
      endAccessOfClient(session.trx, clientId);
      return { status: 204 };
    },
  },
];

async function list(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, query } = call;
  const { after } = query;
  // Apps that registered themselves are removed when nobody uses them: a page behind one would look like the last.
  if (after !== undefined && !(await findClient(session.trx, session.cipher, after)))
    throw fhirError('value', 'after is no client.', { status: 400 });
  const limit = limitOf(query);
  const rows = await listClients(session.trx, session.cipher, { after, limit: limit + 1 });
  return listed(call, { path: '/clients', rows, limit, idOf: ({ clientId }) => clientId, view });
}

async function register(call: TenantAdminCall): Promise<AdminAnswer> {
  const { session, body } = call;
  const wanted: NewClient = { grantTypes: ['client_credentials'], scope: '', roles: [], ...body };
  requireScopes(session, wanted.scope);
  const made = await registerClient(session, wanted);
  const { clientSecret: secret } = made;
  return created(call, `/clients/${made.client.clientId}`, {
    ...view(made.client),
    ...(secret && { clientSecret: secret }),
  });
}

async function readOne({ session, params: { clientId = '' } }: TenantAdminCall): Promise<AdminAnswer> {
  const found = await findClient(session.trx, session.cipher, clientId);
  if (!found) throw noClient();
  return { status: 200, body: view(found) };
}

async function change({ session, params: { clientId = '' }, body }: TenantAdminCall): Promise<AdminAnswer> {
  const given = Object.entries(body as Record<string, unknown>).map(([name, value]) => [name, value ?? undefined]);
  const wanted = Object.fromEntries(given) as ClientChange;
  if (wanted.scope !== undefined) requireScopes(session, wanted.scope);
  const changed = await changeClient(session, clientId, wanted);
  if (!changed) throw noClient();
  const isForPeople = wanted.grantTypes?.includes('authorization_code') ?? true;
  // Also when it comes back: what was given to it before is over.
  if (wanted.active !== undefined || !isForPeople) endAccessOfClient(session.trx, clientId);
  return { status: 200, body: view(changed) };
}

const dayInSeconds = 86_400;

async function rotate({ session, params: { clientId = '' }, body }: TenantAdminCall): Promise<AdminAnswer> {
  const rotated = await rotateSecret(session, clientId, body.overlapSeconds ?? dayInSeconds);
  if (!rotated) throw noClient();
  return { status: 200, body: { clientId, ...rotated } };
}

function requireScopes({ definitions }: Session, scope: string): void {
  try {
    parseScopes(scope, definitions.resourceTypes);
  } catch (error) {
    if (!(error instanceof MalformedScope)) throw error;
    throw fhirError('value', error.message, { expression: 'scope' });
  }
}

function view({ secretHash: _, previousSecretHash, previousSecretEndsAt, ...rest }: Client) {
  // Absent where there is none, or it is over.
  return { ...rest, ...(previousSecretHash && { previousSecretEndsAt }) };
}

function noClient(): Error {
  return fhirError('not-found', 'There is no such client.');
}
