// References to this server's own resources are stored relative, whichever way a client wrote them, so that every search, right and
// rule sees one resource, and a server that moves takes them along: https://hl7.org/fhir/R4/references.html#literal

import { forEachReference, parseReference } from '../fhir/references.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';

/**
 * Those below the tenant's base; another tenant's are as foreign as another server's. A Bundle keeps what it holds as it is: its
 * references mean its entries' full URLs.
 */
export async function makeOwnReferencesRelative(session: Session, changes: readonly Change[]): Promise<void> {
  const { site, baseUrlOf, definitions } = session.repository;
  if (site === undefined || baseUrlOf === undefined) return;
  const found = changes.filter(({ resource, type }) => resource && type !== 'Bundle' && refersBelow(resource, site));
  if (found.length === 0) return;
  const baseUrl = await baseUrlOf(session.trx.tenantId);
  for (const { resource } of found) {
    if (!resource) continue;
    forEachReference(definitions, resource, (reference) => {
      const isOwn = parseReference(reference.reference, baseUrl).kind === 'resource';
      if (isOwn && reference.reference.startsWith(baseUrl)) {
        reference.reference = reference.reference.slice(baseUrl.length + 1);
      }
    });
  }
}

/** Without the definitions, for hardly any resource has one. */
function refersBelow(node: object, site: string): boolean {
  for (const [key, value] of Object.entries(node)) {
    if (
      typeof value === 'string'
        ? key === 'reference' && value.startsWith(site)
        : isNode(value) && refersBelow(value, site)
    )
      return true;
  }
  return false;
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
