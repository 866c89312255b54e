// An identity provider with the bad days of real ones: away, slow, broken, with other keys: https://openid.net/specs/openid-connect-core-1_0.html

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { freePort } from '../support/free-port.ts';

/** Answers in the place of the provider. */
export type Trouble = (response: ServerResponse) => void;

/** Takes the request and never answers. */
export const hang: Trouble = () => undefined;

export const answerWith =
  (status: number, body: string): Trouble =>
  (response) =>
    void response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);

const paths = {
  metadata: '/.well-known/openid-configuration',
  token: '/token',
  keys: '/jwks',
} as const;

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: JWK;
}

interface Asked {
  readonly subject: string;
  readonly nonce: string;
}

export class StubProvider {
  readonly issuer: string;
  readonly clientId = 'clinic';
  readonly clientSecret = 'a-secret-of-the-clinic-at-its-identity-provider';
  /** How often each path was asked for. */
  readonly asked = { metadata: 0, token: 0, keys: 0 };
  /** Requests that nobody has answered yet. */
  unanswered = 0;
  readonly troubles = new Map<keyof typeof paths, Trouble>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #codes = new Map<string, Asked>();
  #signing: SigningKey;
  #published: JWK[];

  static async start(): Promise<StubProvider> {
    const stub = new StubProvider(await freePort(), await makeKey('first'));
    await stub.comeBack();
    return stub;
  }

  private constructor(port: number, key: SigningKey) {
    this.issuer = `http://127.0.0.1:${port}`;
    this.#signing = key;
    this.#published = [key.publicKey];
  }

  /** As when the person has signed in at `location`: where the browser is sent back to. */
  signIn(location: URL, subject: string): URL {
    const asked = location.searchParams;
    const code = crypto.randomUUID();
    this.#codes.set(code, { subject, nonce: asked.get('nonce') ?? '' });
    const back = new URL(asked.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString();
    return back;
  }

  /** Signs with another key from now on; the one before is published no more. */
  async rotate(kid: string, { isPublished = true } = {}): Promise<void> {
    this.#signing = await makeKey(kid);
    if (isPublished) this.#published = [this.#signing.publicKey];
  }

  /** All is well again, and nothing was asked. */
  recover(): void {
    this.troubles.clear();
    this.#published = [this.#signing.publicKey];
    Object.assign(this.asked, { metadata: 0, token: 0, keys: 0 });
  }

  /** Takes no more connections and ends those there are, until `comeBack`. */
  async goAway(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async comeBack(): Promise<void> {
    this.#server.listen(Number(new URL(this.issuer).port), '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.goAway();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url ?? '', this.issuer);
    const what = (Object.keys(paths) as (keyof typeof paths)[]).find((name) => paths[name] === pathname);
    if (!what) return void response.writeHead(404).end();
    this.asked[what] += 1;
    this.unanswered += 1;
    response.once('close', () => {
      this.unanswered -= 1;
    });
    const trouble = this.troubles.get(what);
    if (trouble) return trouble(response);
    const body = what === 'token' ? await this.#tokens(Buffer.concat(chunks).toString()) : this.#document(what);
    response.writeHead(body ? 200 : 400, { 'Content-Type': 'application/json' }).end(JSON.stringify(body ?? {}));
  }

  #document(what: 'metadata' | 'keys'): object {
    if (what === 'keys') return { keys: this.#published };
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: issuer + paths.token,
      jwks_uri: issuer + paths.keys,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  async #tokens(form: string): Promise<object | undefined> {
    const code = new URLSearchParams(form).get('code') ?? '';
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    if (!asked) return undefined;
    const { kid, privateKey } = this.#signing;
    const idToken = await new SignJWT({ nonce: asked.nonce })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(this.issuer)
      .setSubject(asked.subject)
      .setAudience(this.clientId)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    return { access_token: 'opaque', token_type: 'Bearer', expires_in: 300, id_token: idToken };
  }
}

async function makeKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, privateKey, publicKey: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}
