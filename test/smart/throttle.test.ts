// Guessing is slowed down and nobody else is: security.md, decisions on 69 to 71

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createThrottle, networkOf } from '../../src/smart/throttle.ts';
import { basic, post, requestToken, type SmartServer, startSmartServer } from './smart-server.ts';

function atTime() {
  const clock = { nowMs: 1_000_000 };
  return { clock, throttle: createThrottle(() => clock.nowMs) };
}

function fail(throttle: ReturnType<typeof createThrottle>, times: number, client: string, network: string): number[] {
  return Array.from({ length: times }, () => throttle.failed({ client, network }));
}

describe('the throttle', () => {
  test('lets 20 failures a minute of a client pass, then makes it wait for the rest of the minute', () => {
    const { clock, throttle } = atTime();
    const attempt = { client: '1 x', network: '10.0.0.1' };
    expect(fail(throttle, 20, '1 x', '10.0.0.1')).toEqual(Array(20).fill(0));
    expect(throttle.waitSeconds(attempt)).toBe(60);
    clock.nowMs += 59_500;
    expect(throttle.waitSeconds(attempt)).toBe(1);
    clock.nowMs += 500;
    expect(throttle.waitSeconds(attempt)).toBe(0);
    expect(fail(throttle, 21, '1 x', '10.0.0.1').at(-1)).toBe(60);
  });

  test('counts a client over all networks: one guess from each of many is throttled, too (attack 70)', () => {
    const { throttle } = atTime();
    for (let n = 0; n < 20; n += 1) fail(throttle, 1, '1 x', `10.0.0.${n}`);
    expect(throttle.waitSeconds({ client: '1 x', network: '10.0.9.9' })).toBeGreaterThan(0);
    expect(throttle.waitSeconds({ client: '2 x', network: '10.0.9.9' })).toBe(0);
  });

  test('counts a network over all clients: 100 a minute', () => {
    const { throttle } = atTime();
    for (let n = 0; n < 100; n += 1) fail(throttle, 1, `1 client-${n}`, '10.0.0.1');
    expect(throttle.waitSeconds({ client: '1 new', network: '10.0.0.1' })).toBeGreaterThan(0);
    expect(throttle.waitSeconds({ client: undefined, network: '10.0.0.1' })).toBeGreaterThan(0);
    expect(throttle.waitSeconds({ client: '1 new', network: '10.0.0.2' })).toBe(0);
  });

  test('a client that has come from a network before is not locked out by guesses (attack 71)', () => {
    const { throttle } = atTime();
    const attempt = { client: '1 x', network: '10.0.0.1' };
    throttle.succeeded(attempt);
    fail(throttle, 100, '1 x', '10.0.0.2');
    expect(throttle.waitSeconds(attempt)).toBe(0);
    expect(throttle.waitSeconds({ client: '1 x', network: '10.0.0.3' })).toBeGreaterThan(0);
    // Its own failures are still answered as one too many.
    expect(throttle.failed(attempt)).toBeGreaterThan(0);
  });

  test('a password is not guessed without end from the network of its person either (attack 70)', () => {
    const { throttle } = atTime();
    const attempt = { client: 'account 1 x', network: '10.0.0.1', isGuessable: true };
    throttle.succeeded(attempt);
    fail(throttle, 20, 'account 1 x', '10.0.0.2');
    expect(throttle.waitSeconds(attempt)).toBe(0);
    for (let n = 0; n < 20; n += 1) throttle.failed(attempt);
    expect(throttle.waitSeconds(attempt)).toBeGreaterThan(0);
    expect(throttle.waitSeconds({ ...attempt, client: 'account 1 y' })).toBe(0);
  });

  test('is bounded: what is oldest makes room', () => {
    const { throttle } = atTime();
    const attempt = { client: '1 first', network: 'first' };
    throttle.succeeded(attempt);
    fail(throttle, 20, '1 first', 'first');
    expect(throttle.waitSeconds({ ...attempt, network: 'elsewhere' })).toBeGreaterThan(0);
    for (let n = 0; n < 20_000; n += 1) {
      fail(throttle, 1, `1 client-${n}`, `network-${n}`);
      throttle.succeeded({ client: `1 client-${n}`, network: `network-${n}` });
    }
    expect(throttle.waitSeconds({ ...attempt, network: 'elsewhere' })).toBe(0);
    fail(throttle, 20, '1 first', 'first');
    expect(throttle.waitSeconds(attempt)).toBeGreaterThan(0);
  });

  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:0001::6', '2001:db8:1:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('the network of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
});

describe('over HTTP', () => {
  let server: SmartServer;
  beforeAll(async () => {
    server = await startSmartServer();
  });
  afterAll(() => server.close());

  const ask = (credentials: { clientId: string; clientSecret: string }) =>
    post(`${server.url}/t/clinic-a/token`, { grant_type: 'client_credentials' }, basic(credentials));

  test('the 21st failure is 429 with Retry-After; the same client of before still gets its token, others too', async () => {
    await requestToken(server, server.a);
    const guess = { clientId: server.a.clientId, clientSecret: 'guess' };
    for (let n = 0; n < 20; n += 1) expect((await ask(guess)).status).toBe(401);
    const refused = await ask(guess);
    expect(refused.status).toBe(429);
    expect(refused.body.error).toBe('temporarily_unavailable');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await ask(server.a)).status).toBe(200);
    expect((await requestToken(server, server.b)).length).toBeGreaterThan(0);
  });

  test('guessing at introspection counts as guessing', async () => {
    const guess = basic({ clientId: 'somebody', clientSecret: 'guess' });
    const introspect = () => post(`${server.url}/t/clinic-a/introspect`, { token: 'x' }, guess);
    for (let n = 0; n < 20; n += 1) expect((await introspect()).status).toBe(401);
    expect((await introspect()).status).toBe(429);
    expect((await ask({ clientId: 'somebody', clientSecret: 'guess' })).status).toBe(429);
  });
});
