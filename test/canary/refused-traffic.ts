// Requests with canaries that go wrong in every way, since what is refused must not be remembered either: security.md attack 124.

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { buildObservation, buildPatient, buildTransaction } from '../support/builders.ts';
import { send } from '../support/server.ts';
import type { Canaries } from './canaries.ts';
import { chartAppointment } from './chart.ts';
import type { Hpms } from './hpms.ts';
import type { Request } from './stored-traffic.ts';

export interface Answered {
  readonly what: string;
  readonly status: number;
}

/** What must be refused, and what is odd but may be answered; none of it may fail the server. */
export async function sendAwkward(hpms: Hpms, request: Request, canary: Canaries) {
  const issuer = `${hpms.origin}/t/${hpms.facts.tenant}`;
  const refused = await sendAll([
    ...wrongBodies(request, canary),
    ...wrongSearches(request, canary),
    ...wrongAddresses(hpms, request, canary),
    ...wrongHeaders(request, canary, `${issuer}/fhir`),
    ...wrongLogins(issuer, canary, hpms),
  ]);
  const odd = await sendAll([...oddSearches(request, canary), ...oddRequests(issuer, request, canary, hpms)]);
  await patchIntoText(request, canary.forgedFrame);
  await sendRaw(hpms.origin, canary.rawRequest);
  return { refused, odd };
}

type Attempt = readonly [what: string, answer: () => Promise<{ readonly status: number }>];

async function sendAll(attempts: readonly Attempt[]): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const [what, answer] of attempts) answers.push({ what, status: (await answer()).status });
  return answers;
}

function wrongBodies(request: Request, canary: Canaries): Attempt[] {
  const patient = (change: object) => () => request('POST', '/Patient', { ...buildPatient(), ...change });
  const text = (body: string) => () => request('POST', '/Patient', body);
  const conditional = buildObservation(`Patient?identifier=https://example.org/mrn|${canary.conditionalReference}`);
  return [
    ['broken JSON', text(`{"resourceType":"Patient","name":[{"family":"${canary.brokenJson}"}`)],
    ['a wrong character', text(`{"resourceType":"Patient",${canary.brokenJson}}`)],
    ['a key twice', text(`{"resourceType":"Patient","${canary.duplicateKey}":1,"${canary.duplicateKey}":2}`)],
    ['an unknown element', patient({ [canary.unknownElement]: canary.wrongType })],
    ['a wrong type', patient({ name: canary.wrongType, birthDate: canary.wrongType, active: canary.wrongType })],
    ['a wrong code', patient({ gender: canary.badCode })],
    ['another type', patient({ resourceType: canary.pathType })],
    ['a wrong id', patient({ id: `${canary.badId}/!`, contact: [canary.badId] })],
    [
      'a NUL character',
      patient({ name: [{ family: `${canary.nulCharacter}\u0000` }], birthDate: canary.nulCharacter }),
    ],
    ['half a character', text(`{"resourceType":"Patient","name":[{"family":"${canary.loneSurrogate}\\ud800"}]}`)],
    ['a reference to nobody', () => request('POST', '', buildTransaction([conditional]))],
    ['a wrong patch', () => patch(request, [{ op: 'test', path: `/${canary.patchPath}`, value: canary.patchPath }])],
    ['a time that is taken', () => request('POST', '/Appointment', chartAppointment(canary, 'Patient/raced'))],
  ];
}

async function patch(request: Request, operations: unknown) {
  const { json } = await request('POST', '/Patient', buildPatient());
  return request('PATCH', `/Patient/${json.id}`, operations, { 'Content-Type': 'application/json-patch+json' });
}

/** Whatever is answered: what JavaScript says of it quotes the path, here with a line like those of a stack. */
async function patchIntoText(request: Request, canary: string): Promise<void> {
  const path = `/name/0/family/x\n    at ${canary} (${canary}.ts:1:1)\nx`;
  for (const op of [
    { op: 'add', path, value: 1 },
    { op: 'copy', from: '/name', path },
  ]) {
    await patch(request, [op]);
  }
}

function wrongSearches(request: Request, canary: Canaries): Attempt[] {
  return [
    ['a date', () => request('GET', `/Patient?birthdate=${canary.searchName}&_lastUpdated=${canary.searchName}`)],
    ['a cursor', () => request('GET', `/Patient?_cursor=${canary.searchUnknown}`)],
    ['a NUL character', () => request('GET', `/Patient?_id=${canary.searchNul}%00&name=${canary.searchNul}%00`)],
  ];
}

function oddSearches(request: Request, canary: Canaries): Attempt[] {
  const get = (path: string) => () => request('GET', path);
  const form = new URLSearchParams({ name: canary.searchForm, identifier: canary.searchIdentifier }).toString();
  const asForm = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return [
    ['a name', get(`/Patient?family=${canary.family}&name:exact=${canary.searchName}`)],
    ['an identifier', get(`/Patient?identifier=https://example.org/mrn|${canary.searchIdentifier}`)],
    ['what is stored', get(`/Patient?phone=${encodeURIComponent(canary.phone)}&birthdate=${canary.birthDate}`)],
    ['an unknown parameter', get(`/Patient?${canary.searchUnknown}=${canary.searchUnknown}`)],
    ['an unknown modifier', get(`/Patient?name:${canary.searchUnknown}=x`)],
    ['an unknown order', get(`/Patient?_sort=${canary.searchUnknown}&_include=${canary.searchUnknown}`)],
    ['a chain', get(`/Observation?subject:Patient.name=${canary.searchName}&_has:${canary.searchName}`)],
    ['a form', () => request('POST', '/Patient/_search', form, asForm)],
  ];
}

function wrongAddresses({ origin, facts }: Hpms, request: Request, canary: Canaries): Attempt[] {
  return [
    ['an unknown tenant', () => send(`${origin}/t/${canary.pathTenant.toLowerCase()}/fhir/Patient`, 'GET')],
    ['an unknown type', () => request('GET', `/${canary.pathType}/1`)],
    ['an unknown id', () => request('GET', `/Patient/${canary.pathUnknown}`)],
    ['an unknown version', () => request('GET', `/Patient/1/_history/${canary.pathUnknown}`)],
    [
      'an unknown path',
      () => send(`${origin}/t/${facts.tenant}/${canary.pathUnknown}/x?y=${canary.pathUnknown}`, 'GET'),
    ],
    ['an unknown method', () => request('LINK', `/Patient/${canary.pathUnknown}`)],
  ];
}

function wrongHeaders(request: Request, canary: Canaries, base: string): Attempt[] {
  const post = (more: Record<string, string>) => () => request('POST', '/Patient', buildPatient(), more);
  const bearer = (token: string) => () =>
    send(`${base}/Patient`, 'GET', undefined, { Authorization: `Bearer ${token}` });
  return [
    ['a wrong token', bearer(canary.bearer)],
    ['a forged token', bearer(forgedToken(canary.bearer))],
    ['a wrong scheme', () => send(`${base}/Patient`, 'GET', undefined, { Authorization: canary.bearer })],
    ['another body for the key', post({ 'Idempotency-Key': canary.idempotencyKey })],
    ['a wrong If-Match', () => request('PUT', '/Patient/x', buildPatient({ id: 'x' }), { 'If-Match': canary.ifMatch })],
    ['a wrong Accept', post({ Accept: canary.accept })],
    ['a wrong Content-Type', post({ 'Content-Type': canary.contentType })],
  ];
}

function wrongLogins(issuer: string, canary: Canaries, { facts }: Hpms): Attempt[] {
  const token = (form: Record<string, string>, user?: string) => () => postForm(`${issuer}/token`, form, user);
  const credentials = { grant_type: 'client_credentials' };
  const known = `${facts.clientId}:${facts.clientSecret}`;
  const asserted = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: forgedToken(canary.assertion),
  };
  return [
    ['an unknown client', token(credentials, `${canary.basic}:${canary.clientSecret}`)],
    ['a wrong secret', token({ ...credentials, client_id: facts.clientId, client_secret: canary.clientSecret })],
    ['a client id', token({ ...credentials, client_id: canary.clientId })],
    ['a wrong scope', token({ ...credentials, scope: `system/${canary.scope}.rs` }, known)],
    ['a wrong grant', token({ grant_type: canary.grantType }, known)],
    ['a wrong assertion', token({ ...credentials, ...asserted })],
  ];
}

function postForm(url: string, form: Record<string, string>, user?: string): Promise<Response> {
  const headers = user === undefined ? {} : { Authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  return fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
}

/** A JWT that nobody has signed: RFC 7519 section 6. */
function forgedToken(subject: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part({ iss: subject, sub: subject, jti: subject })}.${'A'.repeat(86)}`;
}

function oddRequests(issuer: string, request: Request, canary: Canaries, { facts }: Hpms): Attempt[] {
  const known = `${facts.clientId}:${facts.clientSecret}`;
  const post = (more: Record<string, string>) => () => request('POST', '/Patient', buildPatient(), more);
  const overbook = {
    url: 'https://hpms.example/fhir/StructureDefinition/overbook',
    extension: [{ url: 'reason', valueString: canary.overbooking }],
  };
  const overbooked = { ...chartAppointment(canary, 'Patient/raced'), extension: [overbook] };
  const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: canary.badId } }] };
  const forwarded = { 'X-Forwarded-For': canary.forwardedFor, Referer: `https://${canary.forwardedFor}/` };
  return [
    ['a batch of nothing known', () => request('POST', '', batch)],
    ['a time that is taken twice', () => request('POST', '/Appointment', overbooked)],
    ['a harmful request id', post({ 'X-Request-Id': `${canary.harmfulRequestId}"; {` })],
    ['other headers', post({ 'User-Agent': canary.userAgent, ...forwarded })],
    ['introspection', () => postForm(`${issuer}/introspect`, { token: canary.introspected }, known)],
    ['revocation', () => postForm(`${issuer}/revoke`, { token: forgedToken(canary.introspected) }, known)],
  ];
}

/** What Node's HTTP parser refuses by itself. */
async function sendRaw(origin: string, canary: string): Promise<void> {
  const { hostname, port } = new URL(origin);
  for (const text of [`${canary}\r\n\r\n`, `GET /${canary} HTTP/1.1\r\nHost: x\r\n${canary} : y\r\n\r\n`]) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.end(text);
    socket.resume();
    await Promise.race([once(socket, 'close'), delay(2_000, undefined, { ref: false })]);
    socket.destroy();
  }
}
