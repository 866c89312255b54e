// The toolchain carries what the server stands on: packages that exist as ES modules only, and types stripped as Node strips them.

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { startOptions } from '../src/commands/demo/start-options.ts';

test.each([
  ['@medplum/core', 'createReference'],
  ['jose', 'jwtVerify'],
  ['oidc-provider', 'Provider'],
  ['openid-client', 'discovery'],
])('%s, which is an ES module only, loads in a test', async (name, member) => {
  const loaded = (await import(name)) as Record<string, unknown>;
  expect(typeof loaded[member]).toBe('function');
});

test('the tests run on the Node of node_modules, whatever the machine has', () => {
  expect(process.versions.node).toMatch(/^24\./);
  expect(import.meta.filename).toMatch(/toolchain\.test\.ts$/);
});

test.each([
  ['package.json', 3],
  ['Dockerfile', 1],
  ['docker-compose.yml', 2],
])('each server that %s starts has the options of `npm start`', (file, count) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const starts = text.match(/\bnode\b.*src\/main\.ts/g) ?? [];
  const options = starts.map((start) => start.match(/--[\w-]+(=\w+)?/g));
  expect(options).toEqual(Array(count).fill(startOptions()));
});
