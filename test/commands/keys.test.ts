// What `npm run admin -- rotate-key` and `rotate-root` take, and what they say.

import { describe, expect, test } from '@jest/globals';
import { readRotateKeyArguments } from '../../src/commands/keys.ts';

describe('rotate-key', () => {
  test.each([
    ['data --tenant clinic', { purpose: 'data', tenant: 'clinic', reencrypts: false }],
    ['data --tenant clinic --reencrypt', { purpose: 'data', tenant: 'clinic', reencrypts: true }],
    ['--tenant clinic index', { purpose: 'index', tenant: 'clinic', reencrypts: false }],
  ])('takes %s', (text, request) => {
    expect(readRotateKeyArguments(text.split(' '))).toEqual(request);
  });

  test.each([
    '',
    'data',
    'root --tenant clinic',
    'index --tenant clinic --reencrypt',
    'data index --tenant x',
    'data --tenant x --now',
  ])('refuses %j', (text) => {
    expect(readRotateKeyArguments(text.split(' ').filter(Boolean))).toBeUndefined();
  });
});
