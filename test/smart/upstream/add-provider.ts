// A clinic's own identity provider, registered and running.

import { createIdentityProvider } from '../../../src/people/identity-providers.ts';
import { withClient } from '../../support/database.ts';
import type { AppWorld } from '../app-world.ts';
import { type SecondProvider, startSecondProvider } from './second-provider.ts';

/** In the first clinic of the world; gives its id there. */
export async function addProvider(world: AppWorld, display: string): Promise<[SecondProvider, string]> {
  const { app, a, database } = world.server;
  const cipher = await app.doors.keyRing.cipherOf(a.id);
  const details = { clientId: 'clinic', clientSecret: 'a-secret-of-the-clinic-at-its-identity-provider', scopes: '' };
  const issuer = `https://${display.toLowerCase().replace(' ', '-')}.example.org`;
  const { id } = await app.doors.tenantDoor(a.id, (trx) =>
    createIdentityProvider(trx, cipher, { ...details, issuer, display, active: true }),
  );
  const provider = await startSecondProvider([`${world.issuer}/upstream/${id}/callback`]);
  // Where it really is, is known only now.
  await withClient(database.url, (client) =>
    client.query('UPDATE store.identity_provider SET issuer = $1 WHERE id = $2', [provider.issuer, id]),
  );
  return [provider, id];
}
