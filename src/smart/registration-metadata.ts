// What an app says of itself when it registers, checked member by member: RFC 7591 section 2. What is not known is left out, as section 3.2.1 has it.

import { fhirError } from '../fhir/outcome.ts';
import { requirePublicKeys } from '../people/client-keys.ts';
import type { AuthMethod, JsonWebKeySet } from '../people/clients.ts';
import { isKeySet } from './client-key-set.ts';
import { MalformedScope, parseScopes } from './scopes.ts';

export interface AppMetadata {
  readonly client_name: string;
  readonly redirect_uris: readonly string[];
  readonly post_logout_redirect_uris?: readonly string[];
  readonly grant_types: readonly string[];
  readonly response_types: readonly ['code'];
  readonly token_endpoint_auth_method: AuthMethod;
  readonly scope: string;
  readonly jwks?: JsonWebKeySet;
  readonly jwks_uri?: string;
  readonly client_uri?: string;
  readonly logo_uri?: string;
  /** Where an EHR opens the app. */
  readonly initiate_login_uri?: string;
  readonly contacts?: readonly string[];
}

type Body = Readonly<Record<string, unknown>>;

const urisMax = 20;
const textLengthMax = 500;
const grantTypes: ReadonlySet<unknown> = new Set(['authorization_code', 'refresh_token']);
const authMethods: ReadonlySet<unknown> = new Set([
  ...['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
]);
/** What people may then be asked for; they and their rights decide what is given. */
const usualScope =
  'openid profile fhirUser launch launch/patient launch/encounter online_access offline_access patient/*.rs user/*.rs';

/** Throws 422. An app acts for people: nothing it says gives it rights of its own. */
export function readAppMetadata(body: Body, resourceTypes: ReadonlySet<string>): AppMetadata {
  const redirectUris = textsOf(body, 'redirect_uris');
  if (!redirectUris?.length) throw refused('redirect_uris', 'redirect_uris must hold 1 to 20 URIs.', 'redirectUris');
  const method = authMethodOf(body);
  return {
    client_name: textOf(body, 'client_name') ?? 'An app',
    redirect_uris: redirectUris,
    grant_types: grantTypesOf(body),
    response_types: ['code'],
    token_endpoint_auth_method: method,
    scope: scopeOf(body, resourceTypes),
    ...keysOf(body, method),
    ...optional('post_logout_redirect_uris', textsOf(body, 'post_logout_redirect_uris')),
    ...optional('client_uri', textOf(body, 'client_uri')),
    ...optional('logo_uri', textOf(body, 'logo_uri')),
    ...optional('initiate_login_uri', textOf(body, 'initiate_login_uri')),
    ...optional('contacts', textsOf(body, 'contacts')),
  };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}

function authMethodOf(body: Body): AuthMethod {
  const usual = body.jwks === undefined && body.jwks_uri === undefined ? 'client_secret_basic' : 'private_key_jwt';
  const method = body.token_endpoint_auth_method ?? usual;
  if (authMethods.has(method)) return method as AuthMethod;
  throw refused(
    'token_endpoint_auth_method',
    `token_endpoint_auth_method must be one of ${[...authMethods].join(', ')}.`,
  );
}

function grantTypesOf(body: Body): readonly string[] {
  const types = textsOf(body, 'grant_types') ?? ['authorization_code'];
  if (types.includes('authorization_code') && types.every((type) => grantTypes.has(type))) return [...new Set(types)];
  throw refused('grant_types', 'grant_types must be authorization_code, and refresh_token where that is wanted.');
}

function scopeOf(body: Body, resourceTypes: ReadonlySet<string>): string {
  const scope = body.scope ?? usualScope;
  if (typeof scope !== 'string') throw refused('scope', 'scope must be a text.');
  try {
    const parsed = parseScopes(scope, resourceTypes).filter(({ grant }) => grant?.context !== 'system');
    return parsed.map(({ text }) => text).join(' ');
  } catch (error) {
    if (error instanceof MalformedScope) throw refused('scope', error.message);
    throw error;
  }
}

function keysOf(body: Body, method: AuthMethod): Pick<AppMetadata, 'jwks' | 'jwks_uri'> {
  if (method !== 'private_key_jwt') return {};
  const jwksUri = textOf(body, 'jwks_uri');
  const { jwks } = body;
  if ((jwksUri === undefined) === (jwks === undefined)) throw refused('jwks', 'Send one of jwks and jwks_uri.');
  if (jwksUri !== undefined) return { jwks_uri: jwksUri };
  if (!isKeySet(jwks)) throw refused('jwks', 'jwks must be a JSON Web Key Set.');
  requirePublicKeys(jwks);
  return { jwks };
}

function textOf(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= textLengthMax) return value;
  throw refused(name, `${name} must be a text of 1 to ${textLengthMax} characters.`);
}

function textsOf(body: Body, name: string): readonly string[] | undefined {
  const values = body[name];
  if (values === undefined) return undefined;
  const isText = (value: unknown) => typeof value === 'string' && value !== '' && value.length <= textLengthMax;
  if (Array.isArray(values) && values.length <= urisMax && values.every(isText)) return values as string[];
  throw refused(name, `${name} must be a list of at most ${urisMax} texts.`);
}

function refused(name: string, diagnostics: string, expression = name): Error {
  return fhirError('value', diagnostics, { expression });
}
