// What a test file gets for `@jest/globals` (test-runner.ts): bindings that are set anew before each file is loaded.

import type { JestGlobals } from './test-runner.ts';

export let afterAll: JestGlobals['afterAll'];
export let afterEach: JestGlobals['afterEach'];
export let beforeAll: JestGlobals['beforeAll'];
export let beforeEach: JestGlobals['beforeEach'];
export let describe: JestGlobals['describe'];
export let expect: JestGlobals['expect'];
export let test: JestGlobals['test'];

export function setGlobals(globals: JestGlobals): void {
  ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } = globals);
}
