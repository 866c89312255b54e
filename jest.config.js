// How the tests run: modules as Node loads them (test/support/test-runner.ts), one PostgreSQL for the run (test/support/global-setup.ts).

/** `npm run test:long` runs the files `*.long.test.ts`, everything else leaves them out. */
const long = process.env.TEST_LONG === '1';

export default {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  testMatch: long ? ['**/*.long.test.ts'] : ['**/*.test.ts'],
  testPathIgnorePatterns: long ? ['/node_modules/'] : ['/node_modules/', '\\.long\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  injectGlobals: false,
  testRunner: '<rootDir>/test/support/test-runner.ts',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // One more than cores: kills and restarts are waited for, not worked on.
  maxWorkers: 3,
  workerIdleMemoryLimit: '1GB',
  testTimeout: long ? 15 * 60_000 : 30_000,
  watchman: false,
};
