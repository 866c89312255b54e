// `npm run bench:terminology`: imports 350,000 invented concepts in RF2 as an operator does, and times expansions of them over HTTP.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { ValueSet } from '@medplum/fhirtypes';
import { alignTable } from '../../src/commands/demo/report.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { type FhirApi, openFhirApi } from './fhir-api.ts';
import { percentile } from './measure.ts';
import { startServer } from './processes.ts';
import { type SnomedFiles, writeSnomedFiles } from './snomed-files.ts';

const { values } = parseArgs({
  options: { concepts: { type: 'string', default: '350000' }, times: { type: 'string', default: '20' } },
});
const concepts = Number(values.concepts);
const times = Number(values.times);
const importGoalSeconds = 180;
const expandGoalMs = 50;
const sct = 'http://snomed.info/sct';

const dataDir = makeTemporaryFolder();
try {
  await bench();
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const port = await freePort();
  const server = await startServer(dataDir, port);
  const api = openFhirApi(path.join(dataDir, 'demo.json'));
  try {
    const folder = path.join(dataDir, 'rf2');
    mkdirSync(folder);
    const files = await writeSnomedFiles(folder, concepts);
    const first = importFiles(port, folder, api.tenant);
    const again = importFiles(port, folder, api.tenant);
    const rows = await expansions(api, files);
    const seconds = (value: number) => `${value.toFixed(1)} s`;
    console.log(
      alignTable([
        ['Measured', 'p50', 'worst', 'goal', 'codes'],
        [`import of ${concepts} concepts`, seconds(first), '', `under ${importGoalSeconds} s`, ''],
        ['the same again, in its place', seconds(again), '', '', ''],
        ...rows,
      ]).join('\n'),
    );
  } finally {
    await api.close();
    await server.stop();
  }
}

function importFiles(port: number, folder: string, tenant: string): number {
  const startedAt = performance.now();
  const command = path.join(import.meta.dirname, '..', '..', 'src', 'commands', 'admin.ts');
  const args = [command, 'import-terminology', '--system', 'snomed', folder, '--tenant', tenant];
  const env = { ...process.env, HPMS_DATA_DIR: dataDir, PORT: String(port) };
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' });
  if (status !== 0) throw new Error('The import failed.');
  return (performance.now() - startedAt) / 1_000;
}

async function expansions(api: FhirApi, { code, word }: SnomedFiles): Promise<string[][]> {
  // The token is none of what is measured.
  await api.authorization();
  const all = `url=${sct}?fhir_vs`;
  const below = (index: number) => `url=${encodeURIComponent(`${sct}?fhir_vs=isa/${code(index)}`)}`;
  const queries: [string, string][] = [
    ['a rare word', `${all}&filter=${word(20_000)}&count=20`],
    ['a word half written', `${all}&filter=${word(500).slice(0, 5)}&count=20`],
    ['two words, the second begun', `${all}&filter=${word(3)} ${word(9).slice(0, 3)}&count=20`],
    ['the commonest words', `${all}&filter=disorder structure&count=20`],
    ['one letter', `${all}&filter=d&count=20`],
    ['one letter, below a concept', `${below(2)}&filter=d&count=20`],
    ['nothing that is there', `${all}&filter=zzzz qqqq&count=20`],
    ['active ones, with designations', `${all}&filter=chron&activeOnly=true&includeDesignations=true&count=20`],
    ['the last page', `${all}&offset=${concepts - 20}&count=20`],
    ['below a concept, 1,000 codes', `${below(40)}&count=1000`],
  ];
  const rows: string[][] = [];
  for (const [name, query] of queries)
    rows.push(await timed(api, name, `/ValueSet/$expand?${query.replaceAll(' ', '%20')}`));
  const lookups = `/CodeSystem/$lookup?system=${sct}&code=${code(1_000)}`;
  const subsumption = `/CodeSystem/$subsumes?system=${sct}&codeA=${code(1)}&codeB=${code(concepts - 1)}`;
  rows.push(await timed(api, '$lookup', lookups), await timed(api, '$subsumes', subsumption));
  return rows;
}

async function timed(api: FhirApi, name: string, query: string): Promise<string[]> {
  const latenciesMs: number[] = [];
  let total: number | undefined;
  for (let turn = 0; turn < times; turn++) {
    const startedAt = performance.now();
    const answer = await api.ask<ValueSet>('GET', query, 200);
    latenciesMs.push(performance.now() - startedAt);
    total = answer.expansion?.total;
  }
  const ms = (share: number) => `${percentile(latenciesMs, share).toFixed(1)} ms`;
  return [
    name.startsWith('$') ? name : `$expand: ${name}`,
    ms(0.5),
    ms(1),
    `under ${expandGoalMs} ms`,
    total?.toLocaleString('en') ?? '',
  ];
}
