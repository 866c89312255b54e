// After the last test: what global-setup.ts made is gone again.

import type { TestRun } from './global-setup.ts';

export default async function globalTeardown(): Promise<void> {
  await (globalThis as { testRun?: TestRun }).testRun?.end();
}
