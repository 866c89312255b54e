// What a tenant's administrators do beside FHIR, as JSON over HTTP: so far, whole packages of definitions (README, Interactions).

import type { Readable } from 'node:stream';
import type Router from '@koa/router';
import { requireAdministrator } from '../access/administrator.ts';
import { fhirError } from '../fhir/outcome.ts';
import { installPackage } from '../repository/profiles/install-package.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { packageLimits, readPackage } from '../validation/profiles/read-package.ts';
import type { AdmitOptions, FhirContext } from './admit.ts';
import { admitRecorded } from './admit-recorded.ts';
import { atMost } from './at-most.ts';
import { bodyStream } from './body-stream.ts';
import { decoderOf } from './content-coding.ts';
import { parseMediaType } from './media-type.ts';
import type { HttpState } from './middleware/request-state.ts';
import { beginBesideFhir } from './record-access.ts';
import { spoolBody } from './spool-body.ts';

export interface AdminRoutesOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
}

export function createAdminRoutes(router: Router<HttpState>, options: AdminRoutesOptions): void {
  const packages = '/t/:tenant/admin/packages';
  const ofTenant = oneOfEach();
  const inTurn = atMost(readMax);
  router.post(packages, async (ctx: FhirContext) => {
    ctx.state.route = packages;
    beginBesideFhir(ctx, options.repository.now);
    const { caller } = await admitRecorded(options, ctx);
    requireAdministrator(caller);
    ctx.body = await ofTenant(caller.tenantId, () =>
      spoolBody(receivePackage(ctx), (received) =>
        inTurn(async () => {
          const fhirPackage = await readPackage(received());
          return await inSession(options.repository, caller, (session) => installPackage(session, fhirPackage));
        }),
      ),
    );
  });
}

/** All definitions of a package are in memory at once. */
const readMax = 2;
/** That are sent or wait at the same time, one of a tenant: the server's time limit for a request ends the slow ones. */
const packagesMax = 50;

/** A tenant's second is refused, so that each waits for others' work only, never for others' clients. */
function oneOfEach() {
  const underWay = new Set<number>();
  return async <T>(tenantId: number, work: () => Promise<T>): Promise<T> => {
    if (underWay.has(tenantId) || underWay.size >= packagesMax) {
      throw fhirError('throttled', 'Another package is being installed; try again shortly.', { retryAfterSeconds: 5 });
    }
    underWay.add(tenantId);
    try {
      return await work();
    } finally {
      underWay.delete(tenantId);
    }
  };
}

/** As npm and the FHIR registries send them: https://www.rfc-editor.org/rfc/rfc6713 */
const mediaTypes: ReadonlySet<string> = new Set([
  'application/gzip',
  'application/x-gzip',
  'application/tar+gzip',
  'application/octet-stream',
]);

function receivePackage(ctx: FhirContext): Readable {
  if (!mediaTypes.has(parseMediaType(ctx.get('Content-Type')).name)) {
    const diagnostics = `Send the package as it is, a gzipped tar, with a Content-Type of ${[...mediaTypes].join(', ')}.`;
    throw fhirError('not-supported', diagnostics, { status: 415 });
  }
  const decoder = decoderOf(ctx.req.headers['content-encoding']);
  return bodyStream(ctx.req, { limitBytes: packageLimits.packedBytesMax, decoder });
}
