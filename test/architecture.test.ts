// Keeps src/ as architecture.md and style.md want it: rooms, cycles, sizes, dead files; what breaks a rule stands in a list that may only shrink.

import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type Breach,
  barrelBreaches,
  cycleBreaches,
  deadFileBreaches,
  fileSizeBreaches,
  functionSizeBreaches,
  openingBreaches,
  roomBreaches,
} from './support/architecture.ts';
import { readSource, readSourceFiles } from './support/source-files.ts';

/** Breaches that stood when their rule was written. Take out what is mended; add nothing. */
const exceptions: readonly Pick<Breach, 'rule' | 'where'>[] = [];

/** Tables of data, which may be as long as what they list. */
const dataTables: readonly string[] = [];

const root = path.join(import.meta.dirname, '..');
const code = readSourceFiles(root, ['src', 'migrations', 'seeds']);
const sources = code.filter(({ file }) => file.startsWith('src/'));
const tests = readSourceFiles(root, ['test']);

function isEntry(file: string): boolean {
  return (
    !file.startsWith('src/') ||
    // Types of a library: nothing of it runs.
    file.endsWith('.d.ts') ||
    file === 'src/main.ts' ||
    file === 'src/fhir/definitions/build-snapshot.ts' ||
    /^src\/commands\/[^/]+\.ts$/.test(file)
  );
}

const breaches: readonly Breach[] = [
  ...roomBreaches(sources),
  ...cycleBreaches(code),
  ...barrelBreaches(code),
  ...fileSizeBreaches(
    code.filter(({ file }) => !dataTables.includes(file)),
    400,
  ),
  ...fileSizeBreaches(tests, 600),
  ...functionSizeBreaches(sources, 70),
  ...deadFileBreaches(code, isEntry),
  ...openingBreaches([...code, ...tests]),
];

describe('src/ keeps the rule', () => {
  test.each<[Breach['rule'], string]>([
    ['room', 'a room imports only the rooms that architecture.md allows it'],
    ['cycle', 'no imports run in a circle'],
    ['barrel', 'no file exports what another file holds'],
    ['file-size', 'a file has at most 400 lines, a test file 600'],
    ['function-size', 'a function has at most 70 lines'],
    ['dead-file', 'every file is reached from an entry'],
    ['opening-sentence', 'every file opens with a comment that says what it is for'],
  ])('%s: %s', (rule) => {
    const isException = (breach: Breach) => exceptions.some((one) => one.rule === rule && one.where === breach.where);
    const found = breaches.filter((breach) => breach.rule === rule && !isException(breach));
    expect(found.map(({ where, what }) => `${where} ${what}`)).toEqual([]);
  });

  test('the list of exceptions only shrinks: each is still needed', () => {
    const isNeeded = (one: Pick<Breach, 'rule' | 'where'>) =>
      breaches.some(({ rule, where }) => rule === one.rule && where === one.where);
    expect(exceptions.filter((one) => !isNeeded(one))).toEqual([]);
    expect(dataTables.filter((file) => fileSizeBreaches(code, 400).every(({ where }) => where !== file))).toEqual([]);
  });

  test('of a hundred files 95 have under 300 lines, of a hundred functions 95 under 50', () => {
    expect(percentile95(sources.map(({ lines }) => lines))).toBeLessThan(300);
    expect(percentile95(sources.flatMap(({ functions }) => functions.map(({ lines }) => lines)))).toBeLessThan(50);
  });
});

function percentile95(numbers: number[]): number {
  const sorted = numbers.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.95)] ?? 0;
}

describe('each rule can fail', () => {
  const read = (file: string, text: string) => readSource(file, text);

  test('rooms: upward imports, narrowed rooms, one workflow reaching into another', () => {
    const found = roomBreaches([
      read('src/fhir/dates.ts', "import { query } from '../database/pool.ts';"),
      read(
        'src/smart/grants.ts',
        "import { add } from '../jobs/outbox.ts';\nimport type { Worker } from '../jobs/worker.ts';",
      ),
      read(
        'src/clinic/billing/module.ts',
        "import { post } from '../ledger/post.ts';\nimport { take } from '../payments/take.ts';",
      ),
      read('src/http/server.ts', "const late = await import('../clinic/billing/module.ts');"),
      read('src/app.ts', "import { module } from './clinic/billing/module.ts';"),
    ]);
    expect(found.map(({ where, what }) => `${where} ${what}`)).toEqual([
      'src/fhir/dates.ts imports src/database/pool.ts',
      'src/smart/grants.ts imports src/jobs/worker.ts',
      'src/clinic/billing/module.ts imports src/clinic/payments/take.ts',
      'src/http/server.ts imports src/clinic/billing/module.ts',
    ]);
  });

  test('cycles: counted once, and not when one of the imports is for types only', () => {
    const a = read('src/a.ts', "import { b } from './b.ts';");
    const b = read('src/b.ts', "import { c } from './c.ts';");
    expect(cycleBreaches([a, b, read('src/c.ts', "import { a } from './a.ts';")]).map(({ what }) => what)).toEqual([
      'src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts',
    ]);
    expect(cycleBreaches([a, b, read('src/c.ts', "import type { A } from './a.ts';")])).toEqual([]);
    expect(cycleBreaches([a, b, read('src/c.ts', "import { type A } from './a.ts';")])).toEqual([]);
  });

  test('barrels, openings and dead files', () => {
    const entry = read(
      'src/main.ts',
      "// Starts the server and everything it needs.\nnew Worker(new URL('./work.ts', import.meta.url));",
    );
    const barrel = read('src/index.ts', "export * from './main.ts';");
    const work = read('src/work.ts', '// Does the work that the entry starts.\nexport {};');
    expect(barrelBreaches([entry, barrel, work]).map(({ where }) => where)).toEqual(['src/index.ts']);
    expect(openingBreaches([entry, barrel, work]).map(({ where }) => where)).toEqual(['src/index.ts']);
    expect(deadFileBreaches([entry, barrel, work], isEntry).map(({ where }) => where)).toEqual(['src/index.ts']);
  });

  test('sizes: files, functions, methods and arrows, with the longest named', () => {
    const body = '  call();\n'.repeat(70);
    const source = read(
      'src/a.ts',
      `const é = 1;\nfunction f() {\n${body}}\nclass C {\n  #m() {\n${body}  }\n}\nconst arrow = () => {\n  call();\n};\n`,
    );
    expect(functionSizeBreaches([source], 70).map(({ where, what }) => `${where} ${what}`)).toEqual([
      'src/a.ts#f 72 lines',
      'src/a.ts#m 72 lines',
    ]);
    expect(fileSizeBreaches([source], 100).map(({ what }) => what)).toEqual(['150 lines']);
  });
});
