// How the tests run: ES modules as Node loads them, types stripped by swc, one PostgreSQL for the run (test/support/global-setup.ts).

if (
  !process.execArgv
    .concat(process.env.NODE_OPTIONS ?? '')
    .join(' ')
    .includes('--experimental-vm-modules')
) {
  throw new Error('Run the tests through npm, which sets Node up for ES modules: npm test -- [path]');
}

/** `npm run test:long` runs the files `*.long.test.ts`, everything else leaves them out. */
const long = process.env.TEST_LONG === '1';

export default {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  testMatch: long ? ['**/*.long.test.ts'] : ['**/*.test.ts'],
  testPathIgnorePatterns: long ? ['/node_modules/'] : ['/node_modules/', '\\.long\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript' },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // One more than cores: kills and restarts are waited for, not worked on.
  maxWorkers: 3,
  workerIdleMemoryLimit: '1GB',
  testTimeout: long ? 15 * 60_000 : 30_000,
  watchman: false,
};
