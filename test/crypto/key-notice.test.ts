// What processes tell each other of other keys is understood, and nothing else is taken for it: key-notice.ts

import { expect, test } from '@jest/globals';
import { keyNotice, tenantOfNotice } from '../../src/crypto/key-notice.ts';

test.each([1, 2_147_483_647])('tenant %i', (tenantId) => {
  expect(tenantOfNotice(keyNotice(tenantId))).toBe(tenantId);
});

test.each([undefined, '', 'keys', 'keys ', 'keys x', 'keys 1 2', 'other 1'])('%p is none', (payload) => {
  expect(tenantOfNotice(payload)).toBeUndefined();
});
