// Attacks 99 and 105 to 107 of security.md: what is stored is text to this server, and no page to a browser.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectNoFailure, expectRefusal } from '../api/refusals.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let listener: Server;
let calls = 0;
beforeAll(async () => {
  server = await startTestServer();
  listener = createServer((_, answer) => {
    calls += 1;
    answer.end('{}');
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  listener.close();
  expectNoFailure(server.logLines);
  await server.close();
});

const post = (type: string, body: object, headers: Record<string, string> = {}) =>
  server.a.request('POST', `/${type}`, body, headers);
const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('attack 99: malformed everything', () => {
  test.each([
    ['GET', '/t/clinic-a/fhir/Patient?birthdate=x', undefined],
    ['GET', '/t/clinic-a/fhir/Nothing/1', undefined],
    ['POST', '/t/clinic-a/fhir/Patient', '{"resourceType":"Patient","name":[{"family":7}]}'],
    ['PATCH', '/t/clinic-a/fhir/Patient/none', '[]'],
    ['PUT', '/t/clinic-a/fhir/Patient/a', '{}'],
    ['POST', '/t/clinic-a/fhir/ValueSet/$expand', '{"resourceType":"Parameters","parameter":{}}'],
    ['POST', '/t/clinic-a/fhir', '{"resourceType":"Bundle","type":"transaction","entry":[{}]}'],
    ['GET', '/t/clinic-a/fhir/Patient/none', undefined],
  ])('%s %s tells nothing of the inside', async (method, path, body) => {
    const headers = { Authorization: `Bearer ${server.a.token}` };
    expectRefusal(await send(`${server.origin}${path}`, method, body, headers));
    const answer = await send(`${server.origin}${path}`, method, body);
    expectRefusal(answer, 401);
    expect([...answer.headers.keys()].filter((name) => /powered|server|version/.test(name))).toEqual([]);
  });
});

describe('attack 105: URLs in resources', () => {
  test('are never asked: not by writing, validating, reading, searching or expanding', async () => {
    const { port } = listener.address() as AddressInfo;
    const url = (name: string) => `http://127.0.0.1:${port}/${name}`;
    const profiled = {
      ...buildPatient({ photo: [{ contentType: 'image/png', url: url('photo') }] }),
      meta: { profile: [url('profile')] },
    };
    const bodies: [string, object][] = [
      ['Patient', profiled],
      ['Patient', { ...buildPatient(), extension: [{ url: url('extension'), valueString: 'x' }] }],
      ['Observation', { ...buildObservation('Patient/x'), subject: { reference: url('Patient/1') } }],
      [
        'DocumentReference',
        {
          resourceType: 'DocumentReference',
          status: 'current',
          content: [{ attachment: { contentType: 'text/html', url: url('document') } }],
        },
      ],
      [
        'ValueSet',
        {
          resourceType: 'ValueSet',
          id: 'asked',
          status: 'active',
          url: url('vs'),
          compose: { include: [{ valueSet: [url('other')] }, { system: url('system') }] },
        },
      ],
      [
        'QuestionnaireResponse',
        { resourceType: 'QuestionnaireResponse', status: 'completed', questionnaire: url('questionnaire') },
      ],
      [
        'StructureDefinition',
        {
          resourceType: 'StructureDefinition',
          url: url('sd'),
          name: 'X',
          status: 'draft',
          kind: 'resource',
          abstract: false,
          type: 'Patient',
          baseDefinition: url('base'),
          derivation: 'constraint',
          differential: { element: [{ id: 'Patient', path: 'Patient' }] },
        },
      ],
      [
        'Subscription',
        {
          resourceType: 'Subscription',
          status: 'requested',
          reason: 'x',
          criteria: 'Patient?',
          channel: { type: 'rest-hook', endpoint: url('hook') },
        },
      ],
    ];
    for (const [type, body] of bodies) {
      await post(type, body);
      await post(`${type}/$validate`, body);
      await server.a.request('PUT', `/${type}/asked`, { ...body, id: 'asked' });
      await server.a.request('GET', `/${type}?_include=*`);
    }
    await server.a.request('GET', `/Patient/$validate?profile=${encodeURIComponent(url('profile'))}`);
    await post(`Patient/$validate?profile=${encodeURIComponent(url('profile'))}`, buildPatient());
    await server.a.request('GET', `/ValueSet/$expand?url=${encodeURIComponent(url('vs'))}`);
    await server.a.request('GET', `/CodeSystem/$lookup?system=${encodeURIComponent(url('system'))}&code=a`);
    expect(calls).toBe(0);
  });
});

describe('attack 106: resources in a browser', () => {
  const script = '<script>alert(1)</script>';

  test('a name that is a page stays JSON or XML, unguessed, for whoever opens the URL', async () => {
    const { json } = await post('Patient', buildPatient({ name: [{ family: script }] }));
    for (const path of [`/Patient/${json.id}`, `/Patient?_id=${json.id}`, `/Patient/${json.id}/_history`]) {
      const answer = await server.a.request('GET', path, undefined, browser);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/(fhir\+)?(json|xml)/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
    const xml = await server.a.request('GET', `/Patient/${json.id}`, undefined, { Accept: 'application/fhir+xml' });
    expect(xml.text).not.toContain('<script>');
  });

  test('a refusal that repeats nothing is no page either', async () => {
    const answer = await server.a.request(
      'GET',
      `/Patient?birthdate=${encodeURIComponent(script)}`,
      undefined,
      browser,
    );
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/(fhir\+)?(json|xml)/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.text).not.toContain(script);
  });

  test('an attachment that lies about its type stays base64 in its resource', async () => {
    const data = Buffer.from(script).toString('base64');
    const content = [{ attachment: { contentType: 'application/pdf', data } }];
    const { json } = await post('DocumentReference', { resourceType: 'DocumentReference', status: 'current', content });
    const answer = await server.a.request('GET', `/DocumentReference/${json.id}`, undefined, browser);
    expect(answer.text).toContain(data);
    expect(answer.text).not.toContain('<script>');
  });
});

describe('attack 107: narratives that run', () => {
  const div = (inner: string) => ({
    status: 'generated',
    div: `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`,
  });

  test.each([
    '<script>alert(1)</script>',
    '<SCRIPT>alert(1)</SCRIPT>',
    '<img src="x" onerror="alert(1)"/>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<svg onload="alert(1)"/>',
    '<svg xmlns="http://www.w3.org/2000/svg"><g onload="alert(1)"/></svg>',
    '<p style="background:url(http://evil.test/x)">x</p>',
    '<p style="background:u\\72l(javascript:1)">x</p>',
    '<style>p{}</style>',
    '<iframe src="http://evil.test"/>',
    '<form action="http://evil.test"><input/></form>',
    '<math><mtext><table><mglyph><style><img src="x" onerror="alert(1)"/></style></mglyph></table></mtext></math>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"/></noscript>',
    '&lol;',
    '<base href="http://evil.test/"/>',
    '<meta http-equiv="refresh" content="0"/>',
    '<object data="x"/>',
    '<p xmlns:x="urn:x" x:onclick="a()">x</p>',
  ])('%s is refused, or nothing that runs', async (inner) => {
    const answer = await post('Patient', { ...buildPatient(), text: div(inner) });
    if (answer.status === 201) expect(answer.text).not.toMatch(/url\(|script|onerror/i);
    else expectRefusal(answer, [400, 422]);
  });

  test('the same in XML', async () => {
    const xml = `<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div></text></Patient>`;
    expectRefusal(
      await server.a.request('POST', '/Patient', xml, { 'Content-Type': 'application/fhir+xml' }),
      [400, 422],
    );
  });
});
