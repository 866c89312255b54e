// The same as interleaved.test.ts with the full number of calls: security.md 20

import { afterAll, beforeAll } from '@jest/globals';
import { testInterleavedCalls } from './interleaved-calls.ts';
import { makeTwoTenants, type TwoTenants } from './two-tenants.ts';

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants(2);
});
afterAll(() => tenants.close());

testInterleavedCalls(() => tenants, 10_000);
