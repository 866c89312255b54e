// Many connections are let in at once, a port belongs to one server, and no connection is forgotten at the end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { listen } from '../../src/http/listen.ts';
import { freePort } from '../support/free-port.ts';

test('connections that wait outside come in more than one a turn, and each is answered', async () => {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  const turnOf: number[] = [];
  const listener = await listen((_, response) => {
    turnOf.push(turns);
    response.end('here');
  }, 0);
  const count = 200;
  // In a process of its own, so that all are outside when this one looks.
  const script = `let left = ${count};
    for (let one = 0; one < ${count}; one++) {
      const socket = require('net').connect(${listener.port}, '127.0.0.1', () => socket.write('GET / HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n'));
      socket.once('data', () => { socket.destroy(); if (--left === 0) process.exit(0); });
    }`;
  const crowd = spawn(process.execPath, ['-e', script]);
  await once(crowd, 'spawn');
  const ended = once(crowd, 'exit');
  setImmediate(turn);
  for (const end = performance.now() + 3_000; performance.now() < end; );
  expect(await ended).toEqual([0, null]);
  isOver = true;
  expect(turnOf).toHaveLength(count);
  expect(new Set(turnOf).size).toBeLessThan(count / 2);
  await listener.close(1_000);
});

test('a port that another server has is refused, also where that is one of ours', async () => {
  const port = await freePort();
  const listener = await listen((_, response) => void response.end(), port);
  expect(listener.port).toBe(port);
  await expect(listen(() => undefined, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await listener.close(1_000);
});

test('it closes when all that came by any gate are gone: idle ones are ended, answers are waited for', async () => {
  const gate = Promise.withResolvers<void>();
  let underWay = 0;
  const listener = await listen(async (request, response) => {
    underWay += 1;
    if (request.url === '/slow') await gate.promise;
    response.end('whole');
  }, 0);
  const idle = new Agent({ keepAlive: true, maxSockets: 40 });
  const ask = (path: string, agent: Agent | false) =>
    new Promise<string>((resolve, reject) => {
      httpRequest({ port: listener.port, path, agent }, (response) => {
        response.setEncoding('utf8').once('data', resolve);
      })
        .once('error', reject)
        .end();
    });
  await Promise.all(Array.from({ length: 40 }, () => ask('/', idle)));
  const slow = Array.from({ length: 40 }, () => ask('/slow', false));
  while (underWay < 80) await new Promise(setImmediate);
  let isClosed = false;
  const closed = listener.close(60_000).then(() => {
    isClosed = true;
  });
  const late = connect(listener.port, '127.0.0.1');
  await once(late, 'error');
  expect(isClosed).toBe(false);
  gate.resolve();
  expect(new Set(await Promise.all(slow))).toEqual(new Set(['whole']));
  await closed;
  idle.destroy();
});
