// How an answer that is a stream leaves: with the client's pace, and not at all when it goes away (RFC 9110 section 6.4)

import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import Koa from 'koa';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import type { FhirContext } from '../../src/http/admit.ts';
import type { InteractionResponse } from '../../src/http/interaction.ts';
import { compression } from '../../src/http/middleware/compression.ts';
import { send } from '../../src/http/send.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server with this one answer to everything. */
async function answering(response: InteractionResponse): Promise<string> {
  const app = new Koa();
  app.silent = true;
  app.use(compression);
  app.use((ctx) => {
    send(ctx as unknown as FhirContext, response, { definitions: loadDefinitions(), representation: undefined });
  });
  server = createServer(app.callback()).listen(0);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Goes on for ever, and counts what was taken. */
function endless() {
  const stream = new Readable({
    read() {
      produced.bytes += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  const produced = { bytes: 0 };
  return { stream, produced };
}

const native = { status: 200, headers: { 'Content-Type': 'application/pdf' } };

function open(url: string, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(url, { method, headers: { 'Accept-Encoding': 'gzip, br' } }, resolve);
    request.on('error', reject);
  });
}

describe('a stream with a Content-Type of its own', () => {
  test('passes as it is, also to who would take it compressed', async () => {
    const body = Readable.from([Buffer.from('<a>'), Buffer.alloc(5_000, 0x20)], { objectMode: false });
    const answer = await open(await answering({ ...native, headers: { 'Content-Type': 'text/xml' }, body }));
    expect(answer.headers).toMatchObject({ 'content-type': 'text/xml' });
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expect(Buffer.concat(await answer.toArray()).length).toBe(5_003);
  });

  test('is made as fast as the client reads', async () => {
    const { stream, produced } = endless();
    const answer = await open(await answering({ ...native, body: stream }));
    // Nobody reads `answer`: what the sockets do not hold stays unmade.
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise(setImmediate);
    expect(produced.bytes).toBeGreaterThan(0);
    expect(produced.bytes).toBeLessThan(64_000_000);
    answer.destroy();
    await once(stream, 'close');
  });

  test('is closed when the client goes away', async () => {
    const { stream } = endless();
    const answer = await open(await answering({ ...native, body: stream }));
    await once(answer, 'data');
    answer.destroy();
    await once(stream, 'close');
    expect(stream.destroyed).toBe(true);
  });

  test('is closed unread after HEAD', async () => {
    const { stream, produced } = endless();
    const closed = once(stream, 'close');
    const answer = await open(await answering({ ...native, body: stream }), 'HEAD');
    expect(answer.headers['content-type']).toBe('application/pdf');
    await closed;
    expect(produced.bytes).toBe(0);
  });

  test('that breaks ends the connection instead of looking whole', async () => {
    const { stream } = endless();
    const answer = await open(await answering({ ...native, body: stream }));
    await once(answer, 'data');
    stream.destroy(new Error('broken'));
    await expect(answer.toArray()).rejects.toThrow('aborted');
  });
});
