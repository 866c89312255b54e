// The routes of the system's administrators, below `/admin`: tenants made, listed, suspended, resumed, exported and shredded (issue 6, Tenants).

import { noContent } from '../admin/schemas.ts';
import type { AdminRoute } from '../admin-route.ts';
import type { SystemAdminContext } from './context.ts';
import { exportFileRoute, exportTenantRoute } from './export-routes.ts';
import { listHoldsRoute, placeHoldRoute, releaseHoldRoute } from './hold-routes.ts';
import * as schemas from './schemas.ts';
import {
  createTenantRoute,
  listTenantsRoute,
  readTenantRoute,
  resumeTenantRoute,
  shredTenantRoute,
  suspendTenantRoute,
} from './tenant-routes.ts';

export const systemAdminBase = '/admin';

const oneTenant = { 200: { description: 'The tenant as it is then.', schema: schemas.tenant } } as const;

export const systemAdminRoutes: readonly AdminRoute<SystemAdminContext>[] = [
  {
    operationId: 'createTenant',
    method: 'POST',
    path: '/tenants',
    summary: 'Makes a tenant that a clinic can begin to work in.',
    description:
      'Keys, Organization, settings, ledger accounts, number series, drafts of prices, message templates, and the ' +
      'invitation of the first administrator, all or nothing. Asked again after a failure it goes on where it was; asked ' +
      'again after it was done it is a 409, and with the same Idempotency-Key the first answer.',
    body: schemas.newTenant,
    answers: { 201: { description: 'It is there.', schema: schemas.createdTenant } },
    run: createTenantRoute,
  },
  {
    operationId: 'listTenants',
    method: 'GET',
    path: '/tenants',
    summary: 'The tenants in the order of their names.',
    query: {
      count: {
        type: 'string',
        pattern: '^([1-9]\\d{0,2}|1000)$',
        description: 'Of a page, at most 1000; 100 by itself.',
      },
      after: { type: 'string', maxLength: 63, description: 'The name before the first.' },
    },
    answers: { 200: { description: 'A page of them.', schema: schemas.tenantList } },
    run: listTenantsRoute,
  },
  {
    operationId: 'readTenant',
    method: 'GET',
    path: '/tenants/{name}',
    summary: 'One tenant.',
    answers: oneTenant,
    run: readTenantRoute,
  },
  {
    operationId: 'suspendTenant',
    method: 'POST',
    path: '/tenants/{name}/suspend',
    summary: 'Refuses its tokens within a second and lets its jobs wait, until it is resumed.',
    answers: oneTenant,
    run: suspendTenantRoute,
  },
  {
    operationId: 'resumeTenant',
    method: 'POST',
    path: '/tenants/{name}/resume',
    summary: 'Lets a suspended tenant work again.',
    answers: oneTenant,
    run: resumeTenantRoute,
  },
  {
    operationId: 'exportTenant',
    method: 'POST',
    path: '/tenants/{name}/export',
    summary: 'The files that everything of the tenant can be fetched as.',
    description:
      'Each file is made while it is fetched, newest versions first, and is complete when the answer ends well. Suspend ' +
      'the tenant before, so that nothing changes meanwhile. It must not be shredded.',
    answers: { 200: { description: 'The files.', schema: schemas.exportManifest } },
    run: exportTenantRoute,
  },
  {
    operationId: 'exportTenantFile',
    method: 'GET',
    path: '/tenants/{name}/export/{file}',
    summary: 'One file of the export.',
    answers: { 200: { description: 'A JSON text a line.', contentType: 'application/fhir+ndjson' } },
    run: exportFileRoute,
  },
  {
    operationId: 'shredTenant',
    method: 'POST',
    path: '/tenants/{name}/shred',
    summary: 'Destroys the keys of a suspended tenant, for ever: nothing of it can be read any more.',
    description:
      'The name stays taken. Backups hold the keys as long as they are kept: see the README, System administration.',
    body: schemas.confirmation,
    answers: oneTenant,
    run: shredTenantRoute,
  },
  {
    operationId: 'listLegalHolds',
    method: 'GET',
    path: '/tenants/{name}/legal-holds',
    summary: 'The legal holds of a tenant and of its patients that are in force, the last set first.',
    answers: { 200: { description: 'The holds.', schema: schemas.holdList } },
    run: listHoldsRoute,
  },
  {
    operationId: 'placeLegalHold',
    method: 'POST',
    path: '/tenants/{name}/legal-holds',
    summary: 'Keeps everything of a tenant, or of one of its patients, from being deleted, archived and shredded.',
    body: schemas.newHold,
    answers: { 201: { description: 'It is in force.', schema: schemas.hold } },
    run: placeHoldRoute,
  },
  {
    operationId: 'releaseLegalHold',
    method: 'DELETE',
    path: '/tenants/{name}/legal-holds/{id}',
    summary: "Ends a legal hold, the clinic's own too; the operator's is ended by npm run archive.",
    answers: noContent,
    run: releaseHoldRoute,
  },
];
