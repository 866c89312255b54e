// Everything of a tenant as files, streamed while they are made (README, System administration).

import { Readable } from 'node:stream';
import { fhirError } from '../../fhir/outcome.ts';
import { exportFile, listExportFiles } from '../../tenants/export-tenant.ts';
import { readTenantFacts } from '../../tenants/tenant-status.ts';
import type { AdminAnswer, AdminRequest } from '../admin-route.ts';
import type { SystemAdminContext } from './context.ts';
import { nameOf } from './tenant-routes.ts';

export async function exportTenantRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  const { id, name } = await readable(context, request);
  const files = await listExportFiles(context.repository, id);
  const base = `${context.publicUrl}/admin/tenants/${name}/export`;
  return {
    status: 200,
    body: { tenant: name, files: files.map((file) => ({ ...file, url: `${base}/${file.name}` })) },
  };
}

export async function exportFileRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  const { id, name } = await readable(context, request);
  const file = request.params.file ?? '';
  const lines = exportFile(context.repository, id, file);
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/fhir+ndjson',
      'Content-Disposition': `attachment; filename="${name}-${file}.ndjson"`,
    },
    body: Readable.from(lines, { objectMode: false }),
  };
}

/** Throws 404, and 409 for a tenant of which nothing can be read: not yet, or not any more. */
async function readable({ systemDoor }: SystemAdminContext, request: AdminRequest) {
  const tenant = await readTenantFacts(systemDoor, nameOf(request));
  if (tenant.status === 'active' || tenant.status === 'suspended') return tenant;
  throw fhirError('conflict', `The tenant is ${tenant.status}: nothing of it can be read.`);
}
