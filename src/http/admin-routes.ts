// What a tenant's administrators do beside FHIR, as JSON over HTTP: so far, whole packages of definitions (README, Interactions).

import type Router from '@koa/router';
import { requireAdministrator } from '../access/administrator.ts';
import { fhirError } from '../fhir/outcome.ts';
import { installPackage } from '../repository/profiles/install-package.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { type FhirPackage, packageLimits, readPackage } from '../validation/profiles/read-package.ts';
import { type AdmitOptions, admit, type FhirContext } from './admit.ts';
import { bodyStream } from './body-stream.ts';
import { decoderOf } from './content-coding.ts';
import { parseMediaType } from './media-type.ts';
import type { HttpState } from './middleware/request-state.ts';

export interface AdminRoutesOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
}

export function createAdminRoutes(router: Router<HttpState>, options: AdminRoutesOptions): void {
  const packages = '/t/:tenant/admin/packages';
  const underWay = new Set<number>();
  router.post(packages, async (ctx: FhirContext) => {
    ctx.state.route = packages;
    const { caller } = await admit(options.admit, ctx);
    requireAdministrator(caller);
    ctx.body = await oneAtATime(underWay, caller.tenantId, async () => {
      const fhirPackage = await receivePackage(ctx);
      return await inSession(options.repository, caller, (session) => installPackage(session, fhirPackage));
    });
  });
}

/** All definitions of a package are in memory at once. */
const packagesMax = 2;

async function oneAtATime<T>(underWay: Set<number>, tenantId: number, work: () => Promise<T>): Promise<T> {
  if (underWay.has(tenantId) || underWay.size >= packagesMax) {
    throw fhirError('throttled', 'Other packages are being installed; try again shortly.', { retryAfterSeconds: 5 });
  }
  underWay.add(tenantId);
  try {
    return await work();
  } finally {
    underWay.delete(tenantId);
  }
}

/** As npm and the FHIR registries send them: https://www.rfc-editor.org/rfc/rfc6713 */
const mediaTypes: ReadonlySet<string> = new Set([
  'application/gzip',
  'application/x-gzip',
  'application/tar+gzip',
  'application/octet-stream',
]);

async function receivePackage(ctx: FhirContext): Promise<FhirPackage> {
  if (!mediaTypes.has(parseMediaType(ctx.get('Content-Type')).name)) {
    const diagnostics = `Send the package as it is, a gzipped tar, with a Content-Type of ${[...mediaTypes].join(', ')}.`;
    throw fhirError('not-supported', diagnostics, { status: 415 });
  }
  const decoder = decoderOf(ctx.req.headers['content-encoding']);
  return await readPackage(bodyStream(ctx.req, { limitBytes: packageLimits.packedBytesMax, decoder }));
}
