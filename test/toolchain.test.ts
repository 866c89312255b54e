// The toolchain carries what the server stands on: packages that exist as ES modules only, and types stripped as Node strips them.

import { expect, test } from '@jest/globals';

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
