// Another organization's identity provider: a real oidc-provider on a port of its own, with the pages its makers give it, and a
// browser that signs a person in there.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from '../../../src/smart/oidc-provider.ts';

export interface SecondProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Signs `login` in at `location` and gives where the browser is sent back to. */
  signIn(location: string, login: string): Promise<URL>;
  close(): void;
}

const clientId = 'clinic';
const clientSecret = 'a-secret-of-the-clinic-at-its-identity-provider';

/** `redirectUris` of the clinic. */
export async function startSecondProvider(redirectUris: readonly string[]): Promise<SecondProvider> {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'second', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['cookies of the second provider'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    findAccount: (_ctx: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
  http.on('request', provider.callback());
  return {
    ...{ issuer, clientId, clientSecret },
    signIn: (location, login) => signIn(issuer, location, login),
    close() {
      http.close();
      http.closeAllConnections();
    },
  };
}

/** As a browser does: cookies are kept, redirects are followed while they stay there, forms are filled in. */
async function signIn(issuer: string, location: string, login: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(location);
  let form: URLSearchParams | undefined;
  for (let steps = 0; steps < 20; steps++) {
    if (url.origin !== issuer) return url;
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const text = await response.text();
    const next = response.headers.get('location');
    if (next !== null) {
      url = new URL(next, url);
      form = undefined;
      continue;
    }
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    if (action === undefined) throw new Error(`The second provider answered ${response.status} without a form.`);
    url = new URL(action, url);
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)?.[1] ?? '';
    form = new URLSearchParams({ prompt, login, password: 'anything' });
  }
  throw new Error('The second provider never came to an end.');
}
