// A server that leaves: whoever has not heard of it yet is answered, also where each request has a connection of its own (fault 26).

import { expect, test } from '@jest/globals';
import { request } from 'undici';
import { listen } from '../../src/http/listen.ts';

test('while requests come, the port stays open between them, and each answer ends its connection', async () => {
  const listener = await listen((_request, response) => response.end('here'), 0);
  const ask = () => request(`http://127.0.0.1:${listener.port}`, { reset: true });
  await (await ask()).body.dump();
  const left = listener.retire(30_000).then(() => listener.close(0));
  for (let count = 0; count < 5; count++) {
    const { headers, body } = await ask();
    expect([headers.connection, await body.text()]).toEqual(['close', 'here']);
  }
  await left;
  await expect(ask()).rejects.toThrow('ECONNREFUSED');
});

test('where nobody was connected it leaves at once', async () => {
  const listener = await listen((_request, response) => response.end('here'), 0);
  const last = await Promise.race([listener.retire(30_000).then(() => 'left'), new Promise(setImmediate)]);
  expect(last).toBe('left');
  await listener.close(0);
});
