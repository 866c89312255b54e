// The command `npm run validate -- FILE...` tells people what is wrong where: https://hl7.org/fhir/R4/validation.html

import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { linesOf } from '../../src/commands/validate/locate.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const root = path.join(import.meta.dirname, '..', '..');

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = makeTemporaryFolder();
  folders.push(folder);
  return folder;
}

async function run(...names: string[]): Promise<{ code: number; lines: string[]; errors: string }> {
  const args = ['--disable-warning=ExperimentalWarning', path.join(root, 'src', 'commands', 'validate.ts'), ...names];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    return { code: 0, lines: stdout.trim().split('\n'), errors: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, lines: stdout.trim().split('\n'), errors: stderr };
  }
}

describe('npm run validate', () => {
  test('names file, line, severity, element and rule, in JSON, NDJSON and XML, and ends with 1', async () => {
    const folder = newFolder();
    mkdirSync(path.join(folder, 'sub'));
    const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
    write('a.json', '{\n"resourceType": "Patient",\n"gender": "man",\n"deceasedDateTime": "2026-02-30"\n}');
    write('b.ndjson', '{"resourceType":"Patient"}\n\n{"resourceType":"Patient","active":1}\n');
    write(path.join('sub', 'c.xml'), '<Patient xmlns="http://hl7.org/fhir"><gender value="man"/></Patient>');
    write('d.json', '{\n"resourceType": }');
    write('notes.txt', 'no resource');
    const { code, lines } = await run(folder);
    expect(code).toBe(1);
    const shown = lines.filter((line) => line.includes('  error  ')).map((line) => line.replace(`${folder}/`, ''));
    expect(shown.map((line) => line.split('  ').slice(0, 3).join(' '))).toEqual([
      'a.json:3 error Patient.gender',
      'a.json:4 error Patient.deceased',
      'b.ndjson:3 error Patient.active',
      'd.json:2 error -',
      'sub/c.xml error Patient.gender',
    ]);
    expect(lines.at(-1)).toMatch(/^4 files, 5 resources: 5 errors, \d+ warnings? \(\d/);
  });

  test('ends with 0 where all is valid, with 2 where there is nothing to look at', async () => {
    const folder = newFolder();
    expect((await run(folder)).code).toBe(2);
    expect((await run()).errors).toContain('npm run validate -- FILE');
    expect((await run(path.join(folder, 'none'))).code).toBe(2);
    writeFileSync(path.join(folder, 'a.json'), '\ufeff{"resourceType":"Parameters"}');
    expect(await run(folder)).toMatchObject({ code: 0, errors: '' });
  });

  test('looks at each folder once, whatever links there are, and at linked files', async () => {
    const folder = newFolder();
    for (const sub of ['a', 'b']) {
      mkdirSync(path.join(folder, sub));
      for (const name of ['one', 'two', 'three']) symlinkSync('..', path.join(folder, sub, name));
    }
    writeFileSync(path.join(folder, 'resource'), '{"resourceType":"Parameters"}');
    symlinkSync(path.join('..', 'resource'), path.join(folder, 'a', 'p.json'));
    symlinkSync('nowhere', path.join(folder, 'lost.json'));
    const { code, lines } = await run(folder);
    expect([code, lines.at(-1)]).toEqual([0, expect.stringMatching(/^1 file, 1 resource: 0 errors/)]);
  });

  test('reads UTF-8 as the server does: other encodings are told, separators of Unicode end no line', async () => {
    const folder = newFolder();
    const patient = '{"resourceType":"Patient","name":[{"text":"Zo\u00eb\u2028"}]}';
    writeFileSync(path.join(folder, 'a.json'), patient, 'latin1');
    writeFileSync(path.join(folder, 'b.ndjson'), `${patient}\n${patient}\n`);
    writeFileSync(path.join(folder, 'c.ndjson'), `{"resourceType":"Parameters"}\n${patient}\n`, 'latin1');
    const { lines } = await run(folder);
    const shown = lines.filter((line) => line.includes('  error  ')).map((line) => line.replace(`${folder}/`, ''));
    expect(shown).toEqual([
      'a.json  error  -  This is not UTF-8. [structure]',
      'c.ndjson:2  error  -  This is not UTF-8. [structure]',
    ]);
    expect(lines.at(-1)).toMatch(/^3 files, 5 resources: 2 errors/);
  });
});

describe('profiles', () => {
  test('that are claimed or demanded are checked, and extensions by their definitions', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'a.json');
    const code = { coding: [{ system: 'http://loinc.org', code: '85354-9' }] };
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
    const birthTime = { url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '2026-11-20' };
    const observation = { resourceType: 'Observation', text, status: 'final', code, extension: [birthTime] };
    writeFileSync(file, JSON.stringify({ ...observation, performer: [{ display: 'x' }] }));
    const errorsOf = ({ lines }: { lines: string[] }) =>
      lines.filter((line) => line.includes('  error  ')).map((line) => line.split('  ')[2]);
    expect(errorsOf(await run(file))).toEqual(['Observation.extension[0]']);
    const bp = 'http://hl7.org/fhir/StructureDefinition/bp';
    const demanded = await run('--profile', bp, file);
    expect(demanded.code).toBe(1);
    expect(errorsOf(demanded)).toContain('Observation.subject');
    expect((await run('--depth', '1', file)).errors).toContain('[--profile CANONICAL]');
  });
});

describe('the line of an element', () => {
  const text =
    '{"a": "}]\\"",\n"valueQuantity": {\n"code": "x"},\n"b": [\n[1],\n{"c": [1,\n2,\n3]}],\n"_d": {\n"e": 1}}';

  test.each([
    ['X.a', 1],
    ['X.value', 2],
    ['X.value.code', 3],
    ['X.value.none', 2],
    ['X.b[1]', 6],
    ['X.b[1].c[2]', 8],
    ['X.b[7]', 4],
    ['X.d.e', 10],
    ['X', 1],
    ['', 1],
  ])('%s stands in line %i', (expression, line) => {
    expect(linesOf(text, [expression])).toEqual([line]);
  });

  test('is found for many at once', () => {
    expect(linesOf(text, ['X.d', 'X.a', 'X.b[1].c[1]'])).toEqual([9, 1, 7]);
  });
});
