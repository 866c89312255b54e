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
    yield checkBytes(await readFile(file), format, checker);
    return;
  }
  let line = 0;
  for await (const bytes of createInterface({
    // A character for each byte: the separators of Unicode, which may stand in a text, end no line then.
    input: createReadStream(file, 'latin1'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line++;
    if (bytes.trim() === '') continue;
    yield checkBytes(Buffer.from(bytes, 'latin1'), 'json', checker).map(({ issue }) => ({ line, issue }));
  }
}

function checkBytes(bytes: Buffer, format: FileFormat, checker: Checker): FoundIssue[] {
  const body = decode(bytes);
  if (body === undefined) return [{ line: undefined, issue: notUtf8 }];
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

const utf8 = new TextDecoder('utf-8', { fatal: true });
const notUtf8: Issue = { severity: 'error', code: 'structure', diagnostics: 'This is not UTF-8.' };

/** Without an editor's byte order mark, which is no part of the text. */
function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
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
