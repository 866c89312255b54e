// Parts that many resources have alike: what follows from them is worked out once, of no other part

import { expect, test } from '@jest/globals';
import { lasting, onceOfLasting } from '../../src/fhir/lasting.ts';

test('what follows from a lasting part is worked out once, and from any other each time', () => {
  let made = 0;
  const nameOf = onceOfLasting(({ name }: { name: string }) => `${name} ${++made}`);
  const [part, other] = [lasting({ name: 'a' }), { name: 'b' }];
  expect([nameOf(part), nameOf(part), nameOf(other), nameOf(other)]).toEqual(['a 1', 'a 1', 'b 2', 'b 3']);
});

test('a lasting part cannot be changed', () => {
  expect(() => Object.assign(lasting({ name: 'a' }), { name: 'b' })).toThrow(TypeError);
});
