// Which URIs a client may register: fully specified ones, which nobody but the app can answer: RFC 9700 section 2.1, RFC 8252 section 7.

import { fhirError } from '../fhir/outcome.ts';
import type { ClientRegistration } from './clients.ts';

type Uris = Pick<
  ClientRegistration,
  'redirectUris' | 'postLogoutRedirectUris' | 'origins' | 'launchUrl' | 'logoUri' | 'clientUri'
>;

/** Throws 422, naming the first URI that cannot be registered. */
export function requireUris(uris: Uris): void {
  const { redirectUris = [], postLogoutRedirectUris = [], origins = [], launchUrl, logoUri, clientUri } = uris;
  for (const [index, uri] of redirectUris.entries()) if (!isRedirectUri(uri)) throw noRedirect('redirectUris', index);
  for (const [index, uri] of postLogoutRedirectUris.entries()) {
    if (!isRedirectUri(uri)) throw noRedirect('postLogoutRedirectUris', index);
  }
  for (const [index, origin] of origins.entries()) {
    if (isOrigin(origin)) continue;
    const diagnostics = 'An origin is what browsers send, such as https://app.example.org, without a path.';
    throw fhirError('value', diagnostics, { expression: `origins[${index}]` });
  }
  for (const [name, uri] of Object.entries({ launchUrl, logoUri, clientUri })) {
    if (uri !== undefined && !isWebUrl(uri)) {
      throw fhirError('value', `${name} is an https URL (http only of this machine itself).`, { expression: name });
    }
  }
}

function noRedirect(name: string, index: number): Error {
  const wanted =
    'an https URL, an http URL of a loopback address, or a private scheme with a dot such as org.example.app:/cb';
  const diagnostics = `A redirect URI is ${wanted}; it has no fragment, user name or wildcard.`;
  return fhirError('value', diagnostics, { expression: `${name}[${index}]` });
}

function isRedirectUri(text: string): boolean {
  const url = parse(text);
  if (!url) return false;
  // A name in reverse, which an app store gives to one app only: RFC 8252 section 7.1.
  return isWeb(url) || /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
}

function isWebUrl(text: string): boolean {
  const url = parse(text);
  return url !== undefined && isWeb(url);
}

function isOrigin(text: string): boolean {
  const url = parse(text);
  return url !== undefined && isWeb(url) && url.origin === text;
}

/** Undefined for what two readers could take for two things. */
function parse(text: string): URL | undefined {
  if (/[#*\\\s]/.test(text) || /\/\.{1,2}(\/|$|\?)/.test(text)) return undefined;
  const url = URL.parse(text);
  return url && url.username === '' && url.password === '' ? url : undefined;
}

function isWeb({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname));
}
