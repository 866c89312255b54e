// A transaction Bundle in a file, such as Synthea writes them, with the exact text of its numbers: https://hl7.org/fhir/R4/bundle.html

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { DemoFailure } from './demo-failure.ts';

export interface BundleFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly entries: readonly SentEntry[];
}

export interface SentEntry {
  readonly fullUrl: string | undefined;
  readonly resource: Resource;
  /** JSON Pointer below the resource -> source text, as parseJson gives it. */
  readonly exactNumbers: ReadonlyMap<string, string>;
}

export function readBundleFile(file: string): BundleFile {
  const name = path.basename(file);
  const bytes = readFileSync(file);
  const { value, exactNumbers } = parse(name, bytes);
  const bundle = value as Partial<Bundle> | null;
  if (bundle?.resourceType !== 'Bundle' || bundle.type !== 'transaction') {
    throw new DemoFailure(`${name} is not a Bundle of type transaction.`);
  }
  const numbers = numbersByEntry(exactNumbers);
  const entries = (bundle.entry ?? []).map(({ fullUrl, resource }, index): SentEntry => {
    if (!resource) throw new DemoFailure(`${name}: entry ${index} has no resource.`);
    return { fullUrl, resource, exactNumbers: numbers.get(index) ?? new Map() };
  });
  return { name, bytes, entries };
}

function parse(name: string, bytes: Buffer) {
  try {
    return parseJson(bytes.toString('utf8'));
  } catch (error) {
    throw new DemoFailure(`${name}: ${(error as Error).message}`);
  }
}

function numbersByEntry(exactNumbers: ReadonlyMap<string, string> | undefined): Map<number, Map<string, string>> {
  const byEntry = new Map<number, Map<string, string>>();
  for (const [pointer, text] of exactNumbers ?? []) {
    const [, index, rest] = /^\/entry\/(\d+)\/resource(\/.*)$/.exec(pointer) ?? [];
    if (index === undefined || rest === undefined) continue;
    const numbers = byEntry.get(Number(index)) ?? new Map<string, string>();
    byEntry.set(Number(index), numbers.set(rest, text));
  }
  return byEntry;
}
