// Errors are OperationOutcomes in the format that was asked for, as far as it can hold them: https://hl7.org/fhir/R4/http.html#Status-Codes

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import Koa from 'koa';
import { pino } from 'pino';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { fhirError } from '../../src/fhir/outcome.ts';
import { createErrorMiddleware } from '../../src/http/middleware/errors.ts';
import type { HttpState } from '../../src/http/middleware/request-state.ts';

/** What a client that asks for XML gets for an error with this text. */
async function answerFor(diagnostics: string): Promise<{ type: string; text: string }> {
  const app = new Koa<HttpState>();
  app.use(createErrorMiddleware(pino({ level: 'silent' }), loadDefinitions()));
  app.use(() => {
    throw fhirError('invalid', diagnostics);
  });
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { Accept: 'application/fhir+xml' } });
    expect(answer.status).toBe(400);
    return { type: answer.headers.get('Content-Type') ?? '', text: await answer.text() };
  } finally {
    server.close();
  }
}

test('an error is answered in XML to whoever asks for XML', async () => {
  const { type, text } = await answerFor('plain');
  expect(type).toContain('xml');
  expect(text).toContain('<diagnostics value="plain"/>');
});

test('an error whose text XML 1.0 cannot hold is said in JSON', async () => {
  const { type, text } = await answerFor('a \u0001 in it');
  expect(type).toContain('json');
  expect(JSON.parse(text).issue[0].diagnostics).toBe('a \u0001 in it');
});
