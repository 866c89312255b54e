// The doors beside REST on resources: operations, files, the background, the administration, apps and sign-in, each with words of its own.

import { buildAppointment, buildPatient, buildTransaction } from '../support/builders.ts';
import { send, type TestResponse } from '../support/server.ts';
import type { ElementWords } from './element-words.ts';
import { type Hpms, until } from './hpms.ts';
import type { Request } from './stored-traffic.ts';

export interface FurtherTraffic {
  readonly hpms: Hpms;
  readonly request: Request;
  readonly token: string;
  readonly words: ElementWords;
  /** Of what is stored readable by design. */
  readonly readable: ElementWords;
}

/** What was answered otherwise than it should; a proof has none. */
export async function useFurtherDoors(traffic: FurtherTraffic): Promise<string[]> {
  const faults: string[] = [];
  const expect = (what: string, { status, text }: Pick<TestResponse, 'status' | 'text'>, wanted: readonly number[]) => {
    if (!wanted.includes(status)) faults.push(`${what}: ${status} ${text.slice(0, 200)}`);
  };
  for (const use of [useOperations, useFiles, useBackground, useAdministration, useApps]) {
    await use(traffic, expect).catch((error: Error) => faults.push(`${use.name}: ${error.message}`));
  }
  return faults;
}

type Expect = (what: string, answer: Pick<TestResponse, 'status' | 'text'>, wanted: readonly number[]) => void;

const ok = [200, 201, 202, 204];
/** The words may be wrong for it, and the refusal must not remember them either. */
const okOrRefused = [...ok, 400, 404, 409, 410, 412, 422];

async function useOperations({ request, words }: FurtherTraffic, expect: Expect): Promise<void> {
  const word = (what: string) => words.wordOf(`operation.${what}`);
  const person = (what: string) =>
    buildPatient({
      name: [{ family: word(`${what}.family`), given: [word(`${what}.given`)] }],
      telecom: [{ system: 'email', value: `${word(`${what}.email`)}@example.org` }],
    });
  const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
  const [one, two] = [
    await request('POST', '/Patient', person('merge')),
    await request('POST', '/Patient', person('merge')),
  ];
  const [first, second] = [one.json.id, two.json.id];
  expect('$validate', await request('POST', '/Patient/$validate', person('validate')), ok);
  const wrong = { ...person('validate refused'), [word('validate unknown')]: word('validate value') };
  expect('$validate of a wrong one', await request('POST', '/Patient/$validate', wrong), okOrRefused);
  const asked = parameters({ name: 'resource', resource: person('merge') }, { name: 'count', valueInteger: 5 });
  expect('$match', await request('POST', '/Patient/$match', asked), ok);
  const coding = {
    system: `urn:canary:${word('meta-add.system')}`,
    code: word('meta-add.code'),
    display: word('meta-add.display'),
  };
  const meta = parameters({ name: 'meta', valueMeta: { tag: [coding] } });
  const reason = (what: string) => ({ name: 'reason', valueString: word(`legal-hold.${what}`) });
  const held = await request('POST', `/Patient/${first}/$legal-hold`, parameters(reason('placed')));
  expect('$legal-hold', held, ok);
  const holdId = held.json.parameter?.[0]?.part?.[0]?.valueId;
  const released = parameters({ name: 'hold', valueId: holdId }, reason('released'));
  expect('$legal-hold-release', await request('POST', '/$legal-hold-release', released), ok);
  for (const operation of ['$meta-add', '$meta-delete']) {
    expect(operation, await request('POST', `/Patient/${first}/${operation}`, meta), ok);
  }
  const query = `family=${word('explain.family')}&identifier=${word('explain.system')}|${word('explain.value')}`;
  expect('$explain', await request('GET', `/Patient/$explain?${query}`), ok);
  expect('$access-report', await request('GET', `/Patient/${first}/$access-report`), ok);
  expect(
    '$render',
    await request('GET', `/Patient/${first}/$render?template=id-card`, undefined, { Accept: 'application/pdf' }),
    ok,
  );
  expect('_filter', await request('GET', `/Patient?_filter=${encodeURIComponent(`family eq ${word('filter')}`)}`), ok);
  expect('_text', await request('GET', `/Patient?_text=${word('text')}&_content=${word('content')}`), ok);
  const texts: readonly (readonly [string, string])[] = [
    ['$lookup', `/CodeSystem/$lookup?system=urn:canary:${word('lookup.system')}&code=${word('lookup.code')}`],
    [
      '$validate-code',
      `/ValueSet/$validate-code?url=urn:canary:${word('check.url')}&code=${word('check.code')}&display=${word('check.display')}`,
    ],
    [
      '$expand',
      `/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&filter=${word('expand.filter')}`,
    ],
    [
      '$translate',
      `/ConceptMap/$translate?system=urn:canary:${word('translate.system')}&code=${word('translate.code')}`,
    ],
    ['$subsumes', `/CodeSystem/$subsumes?system=urn:canary:x&codeA=${word('subsumes.a')}&codeB=${word('subsumes.b')}`],
  ];
  for (const [what, path] of texts) expect(what, await request('GET', path), okOrRefused);
  const proposal = buildAppointment(`Patient/${first}`, 'Practitioner/dr-amara-osei', {
    status: 'proposed',
    start: '2031-03-10T09:00:00Z',
    end: '2031-03-10T09:30:00Z',
    comment: word('book.comment'),
    description: word('book.description'),
    patientInstruction: word('book.instruction'),
  });
  const booking = parameters({ name: 'appt-resource', resource: proposal });
  expect('$book', await request('POST', '/Appointment/$book', booking), okOrRefused);
  expect('$hold', await request('POST', '/Appointment/$hold', booking), okOrRefused);
  const merge = parameters(
    { name: 'source', valueReference: { reference: `Patient/${first}`, display: word('merge.display') } },
    { name: 'target', valueReference: { reference: `Patient/${second}` } },
  );
  expect('$merge', await request('POST', '/Patient/$merge', merge), okOrRefused);
}

/** Streamed, small and large, and with a wrong end. */
async function useFiles({ request, words }: FurtherTraffic, expect: Expect): Promise<void> {
  const word = (what: string) => words.wordOf(`file.${what}`);
  const as = (type: string) => ({ 'Content-Type': type, Accept: 'application/fhir+json' });
  const small = await request('POST', '/Binary', `A letter to ${word('text')}.`, as('text/plain'));
  expect('a text', small, ok);
  const large = Array.from({ length: 80_000 }, (_, line) => `${line} ${word('large')}`).join('\n');
  expect('a large text', await request('POST', '/Binary', large, as('text/csv')), ok);
  expect(
    'a changed text',
    await request('PUT', `/Binary/${small.json?.id}`, `To ${word('changed')}.`, as('text/plain')),
    ok,
  );
  expect('a text read', await request('GET', `/Binary/${small.json?.id}`, undefined, { Accept: 'text/plain' }), ok);
  const media = {
    resourceType: 'Media',
    status: 'completed',
    content: {
      contentType: 'text/plain',
      title: word('attachment.title'),
      data: Buffer.from(Array.from({ length: 60_000 }, () => word('attachment.data')).join(' ')).toString('base64'),
    },
  };
  expect('an attachment', await request('POST', '/Media', media), ok);
}

/** `Prefer: respond-async`, until the answer is there and was read. */
async function useBackground({ hpms, request, token, words }: FurtherTraffic, expect: Expect): Promise<void> {
  const word = (what: string) => words.wordOf(`background.${what}`);
  const prefer = { Prefer: 'respond-async' };
  const bundle = buildTransaction([buildPatient({ name: [{ family: word('family') }] })]);
  const wrong = buildTransaction([{ ...buildPatient(), [word('unknown element')]: word('value') }]);
  for (const [what, accepted] of [
    ['a transaction later', await request('POST', '', bundle, prefer)],
    ['a wrong transaction later', await request('POST', '', wrong, prefer)],
    ['a search later', await request('GET', `/Patient?family=${word('search')}`, undefined, prefer)],
  ] as const) {
    expect(what, accepted, [202]);
    const place = accepted.headers.get('Content-Location');
    if (!place) continue;
    await until(async () => {
      const { pathname } = new URL(place, hpms.origin);
      return (
        (await send(hpms.origin + pathname, 'GET', undefined, { Authorization: `Bearer ${token}` })).status !== 202
      );
    });
  }
  const keyed = { 'Idempotency-Key': word('idempotency key') };
  const person = buildPatient({ name: [{ family: word('repeated') }] });
  for (const _ of [1, 2]) expect('a repeated request', await request('POST', '/Patient', person, keyed), ok);
}

async function useAdministration({ hpms, token, words, readable }: FurtherTraffic, expect: Expect): Promise<void> {
  const word = (what: string) => words.wordOf(`administration.${what}`);
  const plain = (what: string) => readable.wordOf(`administration.${what}`);
  const call = (method: string, path: string, body?: unknown) =>
    send(`${hpms.origin}/t/${hpms.facts.tenant}/admin${path}`, method, body, {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      Authorization: `Bearer ${token}`,
    });
  const email = `${word('staff email')}@example.org`;
  const invited = await call('POST', '/staff', { email, name: word('staff name'), roles: ['nurse'] });
  expect('an invitation', invited, ok);
  expect('another name', await call('PATCH', `/staff/${invited.json?.id}`, { name: word('changed staff name') }), ok);
  expect('a reset', await call('POST', `/staff/${invited.json?.id}/reset`), okOrRefused);
  expect('staff', await call('GET', '/staff'), ok);
  const client = {
    name: word('client name'),
    grantTypes: ['client_credentials'],
    scope: 'system/Patient.rs',
  };
  expect('a client', await call('POST', '/clients', client), ok);
  expect(
    'a wrong client',
    await call('POST', '/clients', { ...client, [word('unknown member')]: word('value') }),
    okOrRefused,
  );
  expect('a department', await call('POST', '/departments', { name: word('department') }), ok);
  expect(
    'a role',
    await call('POST', '/roles', { name: plain('role name'), slug: 'canary', permissions: [] }),
    okOrRefused,
  );
  const provider = {
    issuer: `https://${plain('issuer')}.example.org`,
    display: plain('provider name'),
    clientId: plain('provider client id'),
    clientSecret: word('provider secret'),
  };
  expect('an identity provider', await call('POST', '/identity-providers', provider), okOrRefused);
  expect(
    'an unknown setting',
    await call('PUT', `/settings/${word('setting')}`, { value: word('setting value') }),
    okOrRefused,
  );
}

/** What an app says of itself when it registers, and what a person types where it sends them: RFC 7591, contract.md 47. */
async function useApps({ hpms, token, words, readable }: FurtherTraffic, expect: Expect): Promise<void> {
  const word = (what: string) => words.wordOf(`app.${what}`);
  const plain = (what: string) => readable.wordOf(`app.${what}`);
  const issuer = `${hpms.origin}/t/${hpms.facts.tenant}`;
  const json = { 'Content-Type': 'application/json' };
  await send(
    `${issuer}/admin/settings/clients.dynamic-registration`,
    'PUT',
    { value: true },
    {
      ...json,
      Authorization: `Bearer ${token}`,
    },
  );
  const redirect = `https://${plain('redirect')}.example.org/cb`;
  const app = {
    redirect_uris: [redirect],
    token_endpoint_auth_method: 'none',
    client_name: word('name'),
    contacts: [`${word('contact')}@example.org`],
    client_uri: `https://${plain('client uri')}.example.org/`,
    logo_uri: `https://${plain('logo uri')}.example.org/logo.png`,
  };
  let registered: TestResponse | undefined;
  await until(async () => {
    registered = await send(`${issuer}/register`, 'POST', app, json);
    return registered.status !== 403;
  });
  expect('a registration', registered!, ok);
  const query = new URLSearchParams({
    ...{
      response_type: 'code',
      client_id: registered!.json?.client_id,
      redirect_uri: redirect,
      scope: 'openid fhirUser',
    },
    ...{
      state: word('state'),
      nonce: word('nonce'),
      login_hint: word('login hint'),
      aud: `${issuer.replace('127.0.0.1', 'localhost')}/fhir`,
    },
    ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
  });
  await signIn(`${issuer}/authorize?${query}`, hpms.origin, word, expect);
}

async function signIn(address: string, origin: string, word: (what: string) => string, expect: Expect): Promise<void> {
  const sent = await fetch(address, { redirect: 'manual' });
  const cookie = sent.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
  const page = new URL(sent.headers.get('Location') ?? '/', origin);
  expect('the way to the sign-in page', { status: sent.status, text: `${page} ${await sent.text()}` }, [302, 303]);
  const shown = await fetch(new URL(page.pathname, origin), { headers: { Cookie: cookie }, redirect: 'manual' });
  const html = await shown.text();
  expect('the sign-in page', { status: shown.status, text: html }, [200]);
  const hidden = [...html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]): [string, string] => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    /value="([^"]*)"/.exec(input)?.[1] ?? '',
  ]);
  const body = new URLSearchParams([
    ...hidden,
    ['email', `${word('email')}@example.org`],
    ['password', word('password')],
  ]);
  const typed = await fetch(new URL(page.pathname, origin), {
    ...{ method: 'POST', body, redirect: 'manual' },
    headers: { Cookie: cookie, Origin: origin },
  });
  expect(
    'a wrong password',
    { status: typed.status, text: await typed.text() },
    [200, 302, 303, 400, 401, 403, 422, 429],
  );
}
