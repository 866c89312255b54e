// Attacks 121 and 124 of security.md: a client's clock decides nothing, and nothing it sends forges a line of the log.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
});
afterAll(() => server.close());

describe('attack 121: clocks that are far off', () => {
  test.each(['Fri, 31 Dec 9999 23:59:59 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Mon, 01 Jan 0001 00:00:00 GMT'])(
    'If-Modified-Since and Date of %s are a comparison, no time',
    async (time) => {
      const answer = await server.a.request('GET', '/Patient/known', undefined, { 'If-Modified-Since': time });
      expect(answer.status).toBe(time.includes('9999') ? 304 : 200);
      expect(Math.abs(Date.parse(answer.headers.get('date') ?? '') - Date.now())).toBeLessThan(60_000);
    },
  );

  test('lastUpdated and recorded of the future are kept as text where they are the client’s, and replaced where they are the server’s', async () => {
    const future = '2999-01-01T00:00:00Z';
    const meta = { lastUpdated: future, versionId: '77' };
    const { json } = await server.a.request('POST', '/Patient', { ...buildPatient(), meta });
    expect([json.meta.versionId, json.meta.lastUpdated < '2100']).toEqual(['1', true]);
    const provenance = {
      resourceType: 'Provenance',
      recorded: future,
      target: [{ reference: `Patient/${json.id}` }],
      agent: [{ who: { display: 'x' } }],
    };
    const made = await server.a.request('POST', '/Provenance', { ...provenance, meta });
    expect([made.json.recorded, made.json.meta.lastUpdated < '2100']).toEqual([future, true]);
    const history = await server.a.request('GET', `/_history?_since=${encodeURIComponent('2100-01-01T00:00:00Z')}`);
    expect(history.json.entry ?? []).toEqual([]);
  });

  test('versions follow each other in time, whatever is sent', async () => {
    const times: string[] = [];
    for (const time of ['2999-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '2999-01-01T00:00:00Z']) {
      const { json } = await server.a.request('PUT', '/Patient/turns', {
        ...buildPatient(),
        id: 'turns',
        birthDate: time.slice(0, 10),
        meta: { lastUpdated: time },
      });
      if (json.meta) times.push(json.meta.lastUpdated);
    }
    expect(times.toSorted()).toEqual(times);
  });
});

describe('attack 124: lines that are not the log’s', () => {
  const forged = '\u001b[2K\r\n{"level":60,"msg":"forged"}';

  test('line ends and escapes from URLs, headers, names and bodies make no line of their own', async () => {
    const lines = [
      'GET /t/clinic-a/fhir/Patient/x%0d%0a%7b%22level%22:60%7d HTTP/1.1',
      `Authorization: Bearer ${server.a.token}`,
    ];
    await sendRaw(server.origin, rawRequest([...lines, 'User-Agent: \u001b[31mred', 'X-Request-Id: \u001b[2Kforged']));
    await server.a.request('GET', `/Patient?name=${encodeURIComponent(forged)}&${encodeURIComponent(forged)}=1`);
    await server.a.request('POST', '/Patient', { ...buildPatient(), [forged]: 1 });
    await server.a.request('POST', '/Patient', `{"resourceType":"${forged}"}`);
    const login = { grant_type: 'client_credentials', client_id: forged, client_secret: forged };
    await send(`${server.origin}/t/clinic-a/token`, 'POST', new URLSearchParams(login).toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
    await send(`${server.origin}/t/${encodeURIComponent(forged)}/fhir/Patient`, 'GET');
    expect(server.logLines.length).toBeGreaterThan(5);
    for (const line of server.logLines) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
      expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f]/);
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) });
    }
    expect(
      server.logLines.map((line) => JSON.parse(line)).filter(({ level, msg }) => level >= 60 || msg === 'forged'),
    ).toEqual([]);
  });

  test('nothing of a query, a body or a token stands in it', async () => {
    const secret = 'Geheimnis4711';
    await server.a.request('GET', `/Patient?name=${secret}&identifier=urn:x|${secret}`);
    await server.a.request('POST', '/Patient', { ...buildPatient(), gender: secret });
    await send(`${server.origin}/t/clinic-a/fhir/Patient?access_token=${secret}`, 'GET', undefined, {
      Authorization: `Bearer ${secret}`,
    });
    const written = server.logLines.join('');
    expect(written).not.toContain(secret);
    expect(written).not.toContain(server.a.token.split('.')[2]);
  });
});
