// Runs a test file with the modules of Node in place of jest's own, so that a process loads and compiles each module once.

import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setGlobals } from './jest-globals.ts';

/** Its types alone are there outside of jest's own modules. */
export type JestGlobals = Omit<typeof import('@jest/globals'), 'jest'>;

/** What jest-circus asks of a jest-runtime while jest.config.js neither resets mocks or modules nor has files for set-up. */
interface Runtime {
  requireInternalModule(path: string): unknown;
  requireModule(path: string): unknown;
  unstable_shouldLoadAsEsm(path: string): boolean;
  unstable_importModule(path: string): Promise<unknown>;
  setGlobalsForRuntime(globals: JestGlobals): void;
  enterTestCode(): void;
  leaveTestCode(): void;
}

type RunFile = (
  globalConfig: unknown,
  projectConfig: unknown,
  environment: { readonly global: { readonly console: Console } },
  runtime: Runtime,
  testPath: string,
  sendMessageToJest?: unknown,
) => Promise<unknown>;

const require = createRequire(import.meta.url);
const circus = require('jest-circus/runner') as { readonly default: RunFile };
const globalsUrl = import.meta.resolve('./jest-globals.ts');

registerHooks({
  resolve: (specifier, context, next) => next(specifier === '@jest/globals' ? globalsUrl : specifier, context),
});

const runtime: Omit<Runtime, 'enterTestCode' | 'leaveTestCode'> = {
  // What it has of the file before, tests and listeners, is in these two.
  requireInternalModule(path) {
    delete require.cache[path];
    Reflect.deleteProperty(globalThis, Symbol.for('EVENT_HANDLERS'));
    return require(path);
  },
  requireModule: require,
  unstable_shouldLoadAsEsm: () => true,
  unstable_importModule: (path) => import(pathToFileURL(path).href),
  setGlobalsForRuntime: setGlobals,
};

/** A `testRunner` as jest calls it for each file, one after the other in a process. */
const runFile: RunFile = (globalConfig, projectConfig, environment, given, testPath, sendMessageToJest) => {
  // Printed by jest, with the name of the file.
  globalThis.console = environment.global.console;
  const whileTesting = { enterTestCode: () => given.enterTestCode(), leaveTestCode: () => given.leaveTestCode() };
  const own = { ...runtime, ...whileTesting };
  return circus.default(globalConfig, projectConfig, environment, own, testPath, sendMessageToJest);
};

export default runFile;
