// `npm run validate -- FILE...`: checks files of resources (JSON, XML, NDJSON) and folders of them against R4 and their profiles.

import { parseArgs, styleText } from 'node:util';
import { loadDefinitions } from '../fhir/definitions.ts';
import type { Issue } from '../fhir/outcome.ts';
import { houseRegistry } from '../validation/profiles/house-registry.ts';
import { createValidator } from '../validation/validate.ts';
import { count, Report } from './demo/report.ts';
import { type Checker, checkFile, type FoundIssue } from './validate/check-file.ts';
import { listFiles } from './validate/file-list.ts';

const usage = `Use: npm run validate -- FILE... [--profile CANONICAL]...
Files are JSON, XML or NDJSON, or folders of them; every resource must have the profiles, besides those it claims.`;

/** Exit code 1: something is wrong with a resource; 2: the command could not do its work. */
const exitCodes = { invalid: 1, failed: 2 } as const;

const totals = { resources: 0, errors: 0, warnings: 0 };

try {
  await run(process.argv.slice(2));
  if (totals.errors > 0) process.exitCode = exitCodes.invalid;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = exitCodes.failed;
}

async function run(args: readonly string[]): Promise<void> {
  const { names, profiles } = readArguments(args);
  const startedAt = performance.now();
  const files = listFiles(names);
  if (files.length === 0) throw new Error('There is no .json, .xml or .ndjson file.');
  const definitions = loadDefinitions();
  const checker = { definitions, validate: createValidator(definitions), registry: houseRegistry(), profiles };
  const report = new Report(process.stdout);
  for (const [index, file] of files.entries()) await showFile(file, `${index + 1} of ${files.length}`, checker, report);
  clearProgress();
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const { resources, errors, warnings } = totals;
  const found = `${count(errors, 'error')}, ${count(warnings, 'warning')}`;
  report.line(`${count(files.length, 'file')}, ${count(resources, 'resource')}: ${found} (${seconds} s)`);
}

function readArguments(args: readonly string[]) {
  const options = { profile: { type: 'string', multiple: true } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > 0) return { names: positionals, profiles: values.profile ?? [] };
  } catch {
    // It says what it does not know; people want to know what there is.
  }
  throw new Error(usage);
}

async function showFile(file: string, position: string, checker: Checker, report: Report): Promise<void> {
  for await (const found of checkFile(file, checker)) {
    totals.resources++;
    report.progress(`${position}  ${count(totals.resources, 'resource')}, ${count(totals.errors, 'error')}  ${file}`);
    if (found.length > 0) clearProgress();
    for (const one of found) showIssue(file, one, report);
  }
}

function showIssue(file: string, { line, issue }: FoundIssue, report: Report): void {
  const { severity, code, expression, diagnostics } = issue;
  if (isError(issue)) totals.errors++;
  if (severity === 'warning') totals.warnings++;
  const colour = isError(issue) ? 'red' : 'yellow';
  const place = line === undefined ? file : `${file}:${line}`;
  const shown = styleText(colour, severity, { stream: process.stdout });
  report.line(`${place}  ${shown}  ${expression?.[0] ?? '-'}  ${diagnostics} [${code}]`);
}

/** On a terminal the progress stands in the line that is written next. */
function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
}

function isError({ severity }: Issue): boolean {
  return severity === 'error' || severity === 'fatal';
}
