// What a refresh token is still worth when its app's registration has been narrowed: https://www.rfc-editor.org/rfc/rfc6749#section-6

import { scopeForApp } from './grantable.ts';
import { errors, type OidcContext } from './oidc-provider.ts';

/**
 * Asked by oidc-provider before anything is renewed: from here on only those scopes count that the app is registered for, in
 * the id_token too. Throws where nothing is left, or the app may not stay connected any more.
 */
export function narrowRefresh(resourceTypes: ReadonlySet<string>, { oidc }: OidcContext): void {
  const { client, params } = oidc;
  const { scope: source = '' } = oidc.entities.RefreshToken ?? {};
  const connected = source.split(' ').includes('offline_access') ? 'offline_access' : 'online_access';
  if (!client.registered_scope.split(' ').includes(connected)) {
    throw new errors.InvalidGrant(`the client is not registered for ${connected} any more`);
  }
  const scope = scopeForApp({ asked: params.scope ?? source, registered: client.registered_scope, resourceTypes });
  if (scope === connected) throw new errors.InvalidScope('none of the requested scopes can be granted to this client');
  params.scope = scope;
}
