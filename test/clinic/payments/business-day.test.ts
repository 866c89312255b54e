// Money is of a day that has come: contract.md 38.

import { expect, test } from '@jest/globals';
import { requirePast } from '../../../src/clinic/payments/business-day.ts';

test('money is of today or earlier', () => {
  expect(() => requirePast('2026-11-20', '2026-11-20')).not.toThrow();
  expect(() => requirePast('2025-12-31', '2026-11-20')).not.toThrow();
  expect(() => requirePast('2026-11-21', '2026-11-20')).toThrow(expect.objectContaining({ status: 422 }));
});
