// The whole server over HTTP, with eyes on how far a request comes: validation, SQL, a stored row.

import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Agent, type Dispatcher } from 'undici';
import { createClientWithKeys } from '../../../src/people/clients.ts';
import { assertionForm, type KeyPair, makeAssertion, makeKeyPair } from '../../smart/smart-server.ts';
import { recordingDoor } from '../../support/recording-door.ts';
import { fetchToken, publicUrl, type TestServer } from '../../support/server.ts';
import { cut, mutate } from '../inputs/mutations.ts';
import { bundles, type FhirRequest, requests, storedResource, storedTypes } from '../inputs/requests.ts';
import { type AssertionChange, assertionChanges, type TokenChange, tokenChanges } from '../inputs/tokens.ts';
import { asTarget, type Outcome, type Stage, type Target } from '../target.ts';

const base = '/t/clinic-a/fhir';
/** Answers that come before anything was read as FHIR. */
const unread: ReadonlySet<number> = new Set([400, 401, 405, 406, 411, 413, 414, 415, 421, 429, 431]);

export interface ServerTargets {
  readonly targets: readonly Target[];
  /** What the log says of failures since the last call. */
  readonly faultsOutside: () => readonly string[];
  close(): Promise<void>;
}

export async function openServerTargets(server: TestServer): Promise<ServerTargets> {
  const steps = watch(server);
  const agent = new Agent({ connections: 1, pipelining: 1 });
  const token = createTokenSource(server);
  for (const type of storedTypes) await server.a.request('PUT', `/${type}/fuzz`, storedResource(type));
  const ask = async ({ method, path, headers, body }: FhirRequest): Promise<Outcome> => {
    const authorization = { Authorization: `Bearer ${await token()}` };
    return await send(agent, steps, {
      origin: server.origin,
      method,
      path: base + (path === '/' ? '' : path),
      headers: { ...headers, ...authorization },
      body,
    });
  };
  const rest: Target<FhirRequest> = { name: 'rest', share: 60, inputs: requests, run: ask };
  const bundle: Target<FhirRequest> = { name: 'bundle', share: 25, inputs: bundles, run: ask };
  const assertions = await openAssertions(server);
  return {
    targets: [
      asTarget(rest),
      asTarget(bundle),
      asTarget(bearerTarget(server, agent, token)),
      asTarget(assertions.target),
    ],
    faultsOutside: () => failuresIn(server.logLines as string[]),
    async close() {
      await Promise.all([agent.close(), assertions.close()]);
    },
  };
}

interface Steps {
  isValidated: boolean;
  readonly statements: string[];
}

/** The sessions of all requests read these two from the repository. */
function watch(server: TestServer): Steps {
  const { repository } = server.app;
  const steps: Steps = { isValidated: false, statements: [] };
  const { validate } = repository;
  Object.assign(repository, {
    tenantDoor: recordingDoor(repository.tenantDoor, steps.statements),
    validate(...given: Parameters<typeof validate>) {
      steps.isValidated = true;
      return validate(...given);
    },
  });
  return steps;
}

interface RawRequest {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** One at a time, so that what is noted meanwhile is of this request. */
async function send(
  agent: Dispatcher,
  steps: Steps | undefined,
  { origin, method, path, headers, body }: RawRequest,
): Promise<Outcome> {
  if (steps) {
    steps.isValidated = false;
    steps.statements.length = 0;
  }
  const answer = await agent.request({
    origin,
    method: method as Dispatcher.HttpMethod,
    path: sendable(path),
    headers: headersOf(headers),
    ...(body === undefined ? {} : { body: body.toWellFormed() }),
  });
  const status = answer.statusCode;
  await answer.body.dump();
  return { status, stage: steps ? stageOf(status, steps) : 'refused' };
}

function stageOf(status: number, { isValidated, statements }: Steps): Stage {
  if (status < 300 && statements.some((name) => /^(insert|update)-resource/.test(name))) return 'stored';
  if (statements.length > 0) return 'sql';
  if (isValidated) return 'validated';
  return unread.has(status) ? 'refused' : 'parsed';
}

/** What a client could send at all: undici refuses the rest, and so would the server's parser, in rawRequest's tests. */
function sendable(path: string): string {
  return path.toWellFormed().replace(/[^\x21-\x7e]/g, encodeURIComponent);
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')]),
  );
}

/** Unhandled failures leave a line of a level above warnings. */
function failuresIn(lines: string[]): string[] {
  const found = lines.splice(0).filter((line) => /"level":(50|60)/.test(line) || /"status":5\d\d/.test(line));
  return found.map((line) => line.slice(0, 600));
}

const tokenAgeMaxMs = 200_000;

function createTokenSource({ origin, a }: TestServer): () => Promise<string> {
  let [current, gotAtMs] = [Promise.resolve(a.token), performance.now()];
  return () => {
    if (performance.now() - gotAtMs > tokenAgeMaxMs)
      [current, gotAtMs] = [fetchToken(origin, a.name, a.clientId, a.clientSecret), performance.now()];
    return current;
  };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');

function bearerTarget(server: TestServer, agent: Dispatcher, token: () => Promise<string>): Target<TokenChange> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  const forge = (good: string, { header, claims, signature, cuts: list }: TokenChange): string => {
    const [, , kept = ''] = good.split('.');
    const signed = [mutate(decodeProtectedHeader(good), header), mutate(decodeJwt(good), claims)].map(encode).join('.');
    const signatures = {
      kept: () => kept,
      none: () => '',
      own: () => sign('sha256', Buffer.from(signed), privateKey).toString('base64url'),
      hmac: () => createHmac('sha256', secret).update(signed).digest('base64url'),
    };
    return cut(`${signed}.${signatures[signature]()}`, list);
  };
  return {
    name: 'bearer',
    share: 20,
    inputs: tokenChanges,
    async run(change) {
      const good = await token();
      const forged = forge(good, change);
      const headers = { Authorization: change.scheme + forged };
      const { status } = await send(agent, undefined, {
        origin: server.origin,
        method: 'GET',
        path: `${base}/Patient/none`,
        headers,
      });
      if (status !== 401 && status !== 404) throw new Error(`A token was answered with ${status}.`);
      if (status === 404 && forged !== good) throw new Error('A forged token was let in.');
      return { status, stage: status === 404 ? 'sql' : stageOfToken(forged) };
    },
  };
}

function stageOfToken(text: string): Stage {
  try {
    decodeProtectedHeader(text);
    decodeJwt(text);
    return 'parsed';
  } catch {
    return 'refused';
  }
}

/** Of one client and one network, before they are made to wait: security.md, decisions on 69 to 71. */
const failuresOfClient = 15;
const failuresOfNetwork = 60;

interface Assertions {
  readonly target: Target<AssertionChange>;
  close(): Promise<void>;
}

/** Asked from addresses of this machine's own, 127.0.0.0/8, and for a new client now and then. */
async function openAssertions(server: TestServer): Promise<Assertions> {
  const keys = await makeKeyPair('ES384');
  const aud = `${publicUrl}/t/clinic-a/token`;
  let asked = 0;
  let clientId = '';
  let agent = new Agent();
  const prepare = async () => {
    if (asked % failuresOfClient === 0) clientId = await registerClient(server, keys);
    if (asked % failuresOfNetwork === 0) {
      await agent.close();
      const network = 1 + asked / failuresOfNetwork;
      agent = new Agent({ connections: 1, localAddress: `127.1.${(network >> 8) & 255}.${network & 255}` });
    }
    asked += 1;
  };
  const target: Target<AssertionChange> = {
    name: 'assertion',
    share: 5,
    inputs: assertionChanges,
    async run({ claims, header, form, cuts: list }) {
      await prepare();
      const assertion = cut(await makeAssertion(keys, clientId, aud, { claims, header }), list);
      const body = new URLSearchParams({ ...assertionForm(assertion), ...form }).toString();
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const { status } = await send(agent, undefined, {
        origin: server.origin,
        method: 'POST',
        path: '/t/clinic-a/token',
        headers,
        body,
      });
      // Names that many inputs make up are throttled like anybody's; the fuzzer's own clients never come so far.
      const isOwn = list.length === 0 && !('client_id' in form) && !('iss' in claims) && !('sub' in claims);
      if (status === 429 && isOwn) throw new Error('The fuzzer was throttled, so that nothing was looked at.');
      if (status === 200) requireGood(assertion, clientId, aud);
      return { status, stage: status === 200 ? 'stored' : stageOfToken(assertion) };
    },
  };
  return { target, close: () => agent.close() };
}

/** What was taken must have been good: RFC 7523 section 3. */
function requireGood(assertion: string, clientId: string, aud: string): void {
  const { iss, sub, aud: audience, exp = 0, jti } = decodeJwt(assertion);
  const isAudience = audience === aud || `${String(audience)}/token` === aud;
  const seconds = exp - Date.now() / 1_000;
  const isGood =
    iss === clientId && sub === clientId && isAudience && typeof jti === 'string' && seconds > -5 && seconds <= 301;
  if (!isGood) throw new Error('A bad assertion was taken.');
}

async function registerClient({ app, a }: TestServer, keys: KeyPair): Promise<string> {
  const { tenantDoor, keyRing } = app.doors;
  const cipher = await keyRing.cipherOf(a.id);
  const registration = { name: 'Fuzzer', grantTypes: ['client_credentials'], scope: 'system/*.rs', roles: [] };
  const jwks = { keys: [keys.publicJwk] };
  return (await tenantDoor(a.id, async (trx) => createClientWithKeys(trx, cipher, registration, jwks))).clientId;
}
