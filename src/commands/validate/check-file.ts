// Validates the resources of one file, each issue with the line where it is known.

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Definitions } from '../../fhir/definitions.ts';
import { type ParsedJson, parseJson } from '../../fhir/json.ts';
import { FhirError, type Issue } from '../../fhir/outcome.ts';
import { parseXml } from '../../fhir/xml/parse-xml.ts';
import { checkResource } from '../../validation/profiles/check-resource.ts';
import type { ProfileRegistry } from '../../validation/profiles/registry.ts';
import type { Validate } from '../../validation/validate.ts';
import { type FileFormat, formatOf } from './file-list.ts';
import { linesOf } from './locate.ts';

export interface FoundIssue {
  readonly line: number | undefined;
  readonly issue: Issue;
}

export interface Checker {
  readonly definitions: Definitions;
  readonly validate: Validate;
  readonly registry: ProfileRegistry;
  /** Canonicals every resource must have. */
  readonly profiles: readonly string[];
}

/** One list for each resource of the file; empty for a valid one without warnings. */
export async function* checkFile(file: string, checker: Checker): AsyncGenerator<readonly FoundIssue[]> {
  const format = formatOf(file) ?? 'json';
  if (format !== 'ndjson') {
    yield checkText(await readFile(file, 'utf8'), format, checker);
    return;
  }
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line++;
    if (text.trim() !== '') yield checkText(text, 'json', checker).map(({ issue }) => ({ line, issue }));
  }
}

function checkText(text: string, format: FileFormat, checker: Checker): FoundIssue[] {
  // An editor's byte order mark is no part of the text.
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  const { definitions } = checker;
  const parsed = parse(() => (format === 'xml' ? parseXml(body, definitions) : parseJson(body)));
  if (parsed instanceof FhirError) return parsed.issues.map((issue) => ({ line: lineIn(issue), issue }));
  const issues = issuesOf(parsed, checker);
  const lines =
    format === 'xml' || issues.length === 0
      ? []
      : linesOf(
          body,
          issues.map(({ expression }) => expression?.[0] ?? ''),
        );
  return issues.map((issue, index) => ({ line: lines[index], issue }));
}

function issuesOf({ value, exactNumbers }: ParsedJson, { definitions, validate, ...by }: Checker): Issue[] {
  const issues = validate(value, { warnings: true, ...(exactNumbers && { exactNumbers }) });
  const { resourceType = '' } = (value ?? {}) as { readonly resourceType?: string };
  // Of what is no resource, only the structure can be told.
  if (!definitions.resourceTypes.has(resourceType)) return issues;
  return [...issues, ...checkResource(by.registry, value as object, { profiles: by.profiles, exactNumbers })];
}

function parse(read: () => ParsedJson): ParsedJson | FhirError {
  try {
    return read();
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
}

/** Both parsers say where they stopped. */
function lineIn({ diagnostics }: Issue): number | undefined {
  const line = /\bline (\d+)/.exec(diagnostics)?.[1];
  return line === undefined ? undefined : Number(line);
}
