// What the API of the system's administrators takes and gives, in JSON Schema: https://json-schema.org/draft/2020-12

import { flag, instant, objectOf, text } from '../admin/schemas.ts';
import type { JsonSchema } from '../admin-route.ts';

const name: JsonSchema = {
  type: 'string',
  pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
  description: 'Stands in every URL of the tenant and is taken for ever, also when the tenant is shredded.',
};
const line = text(200);
/** Checked as FHIR when the Organization is written. */
const fhirList = (type: string): JsonSchema => ({
  type: 'array',
  maxItems: 20,
  items: { type: 'object' },
  description: `FHIR R4 ${type}`,
});

export const newTenant: JsonSchema = objectOf(
  {
    name,
    display: text(200, "The clinic's name for people; its name in URLs where it is absent."),
    organization: objectOf(
      {
        name: line,
        identifier: fhirList('Identifier, such as the licence'),
        telecom: fhirList('ContactPoint'),
        address: fhirList('Address'),
      },
      ['name'],
    ),
    currency: { type: 'string', pattern: '^[A-Z]{3}$', description: 'ISO 4217; USD where it is absent.' },
    timezone: { type: 'string', maxLength: 64, description: 'IANA time zone; UTC where it is absent.' },
    administrator: {
      ...objectOf({ email: { type: 'string', minLength: 3, maxLength: 254 }, name: line }, ['email', 'name']),
      description: 'Gets an account with the role clinic-admin and an invitation by mail.',
    },
    firstClient: {
      ...flag,
      description: 'Whether to make an API client that may do everything in the tenant, and show its secret this once.',
    },
  },
  ['name'],
);

const status: JsonSchema = { type: 'string', enum: ['preparing', 'active', 'suspended', 'shredded'] };

const facts = { name, display: line, status, createdAt: instant, suspendedAt: instant, shreddedAt: instant };

export const tenant: JsonSchema = {
  type: 'object',
  required: ['name', 'display', 'status', 'createdAt'],
  properties: facts,
};

export const tenantList: JsonSchema = {
  type: 'object',
  required: ['tenants'],
  properties: {
    tenants: { type: 'array', items: tenant },
    next: { type: 'string', description: 'The `after` of the next page; absent on the last.' },
  },
};

export const createdTenant: JsonSchema = {
  type: 'object',
  required: ['name', 'display', 'status', 'organization', 'currency', 'timezone', 'fhirBaseUrl', 'tokenUrl'],
  properties: {
    name,
    display: line,
    status,
    organization: { type: 'string', description: 'Reference to the Organization in the tenant.' },
    currency: { type: 'string' },
    timezone: { type: 'string' },
    fhirBaseUrl: { type: 'string', format: 'uri' },
    tokenUrl: { type: 'string', format: 'uri' },
    adminUrl: { type: 'string', format: 'uri' },
    administrator: {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string', format: 'uuid' } },
    },
    clientId: { type: 'string' },
    clientSecret: { type: 'string' },
  },
};

export const confirmation: JsonSchema = objectOf(
  { confirm: { type: 'string', maxLength: 63, description: 'The name of the tenant, once more.' } },
  ['confirm'],
);

export const hold: JsonSchema = {
  type: 'object',
  required: ['id', 'heldAt', 'heldBy', 'level'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    patient: { type: 'string', description: 'Id of the Patient who is held; absent: the whole tenant.' },
    reason: text(1_000),
    heldAt: instant,
    heldBy: { type: 'string' },
    level: { type: 'string', enum: ['clinic', 'system', 'operator'], description: 'Who releases it.' },
  },
};

export const newHold: JsonSchema = objectOf(
  {
    patient: {
      type: 'string',
      pattern: '^[A-Za-z0-9\\-.]{1,64}$',
      description: 'Id of a Patient; absent: the whole tenant.',
    },
    reason: text(1_000, 'Why, such as the claim it is for.'),
  },
  ['reason'],
);

export const holdList: JsonSchema = {
  type: 'object',
  required: ['holds'],
  properties: { holds: { type: 'array', items: hold } },
};

export const exportManifest: JsonSchema = {
  type: 'object',
  required: ['tenant', 'files'],
  properties: {
    tenant: name,
    files: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'url'],
        properties: {
          name: { type: 'string' },
          url: { type: 'string', format: 'uri' },
          resources: { type: 'integer', description: 'How many there are now; the file has earlier versions as well.' },
        },
      },
    },
  },
};
