// Attack 102 of security.md: a name that was public when it was registered and leads inside when it is asked is not asked, for the address counts at connect.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOutboundFetch } from '../../src/gateways/outbound-fetch.ts';

let inside: Server;
let asked = 0;
beforeAll(() => {
  inside = createServer((_, answer) => {
    asked += 1;
    answer.end('{}');
  }).listen(0);
});
afterAll(() => {
  inside.close();
});

/** Names of this machine that resolve to it without any server of names. */
test.each(['localhost', 'LOCALHOST'])('%s leads inside: not asked, however it is written', async (name) => {
  const { port } = inside.address() as AddressInfo;
  const ask = createOutboundFetch({ allowedHosts: new Set() });
  const error = await ask(`https://${name}:${port}/`).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(String(error?.cause ?? error)).toMatch(/does not ask/);
  expect(asked).toBe(0);
});
