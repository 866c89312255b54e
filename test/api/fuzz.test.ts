// Generated request lines and headers: whatever arrives, the answer is below 500 (bodies, searches and tokens: test/fuzz): https://hl7.org/fhir/R4/http.html#Status-Codes

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure } from './refusals.ts';

const seed = 20_261_120;
const options = { seed, numRuns: 250 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expect((await send(`${server.origin}/readyz`, 'GET')).status).toBe(200);
  expectNoFailure(server.logLines);
  await server.close();
});

describe(`request lines and headers (seed ${seed})`, () => {
  test('paths of any bytes that a request line can hold', async () => {
    const printable = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    });
    const part = fc.oneof(
      printable,
      fc.constantFrom('Patient', '_history', '..', '%2e%2e', '%00', '%', '%zz', '$x', '', '_search', 'metadata', '1'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 5 }),
        fc.constantFrom('GET', 'DELETE', 'POST', 'PUT', 'PATCH'),
        async (parts, method) => {
          const lines = [
            `${method} /t/clinic-a/fhir/${parts.join('/')} HTTP/1.1`,
            `Authorization: Bearer ${server.a.token}`,
          ];
          const { status } = await sendRaw(server.origin, rawRequest([...lines, 'Content-Length: 0']));
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
        },
      ),
      options,
    );
  });

  test('headers of any printable value', async () => {
    const value = fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    });
    const name = fc.constantFrom(
      'Accept',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'Prefer',
      'Idempotency-Key',
      'X-Request-Id',
      'Authorization',
      'Content-Encoding',
      'If-None-Exist',
      'Range',
    );
    await fc.assert(
      fc.asyncProperty(
        name,
        value.filter((one) => !/[\u007f-\u009f]/.test(one)),
        async (header, given) => {
          const body = JSON.stringify(buildPatient());
          const own = [`Authorization: Bearer ${server.a.token}`, 'Content-Type: application/fhir+json'];
          const lines = [
            'POST /t/clinic-a/fhir/Patient HTTP/1.1',
            ...own.filter((line) => !line.startsWith(header)),
            `${header}: ${given}`,
          ];
          const { status } = await sendRaw(
            server.origin,
            rawRequest([...lines, `Content-Length: ${Buffer.byteLength(body)}`], body),
          );
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
        },
      ),
      options,
    );
  });
});
