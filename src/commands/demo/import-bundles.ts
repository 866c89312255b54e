// Sends the bundles of a folder to the server, one transaction each: https://hl7.org/fhir/R4/http.html#transaction

import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Bundle } from '@medplum/fhirtypes';
import { type BundleFile, readBundleFile } from './bundle-file.ts';
import { DemoFailure } from './demo-failure.ts';
import type { FhirClient } from './fhir-client.ts';
import { count, perSecond, type Report, type StepResult } from './report.ts';

/** A file and where its entries are now. The file is read again for the comparison, so that a big folder fits in memory. */
export interface ImportedBundle {
  readonly file: string;
  /** `Type/id` of each entry, in their order. */
  readonly places: readonly string[];
}

export async function importBundles(
  client: FhirClient,
  folder: string,
  report: Report,
): Promise<StepResult<ImportedBundle[]>> {
  const files = bundleFilesOf(folder);
  const imported: ImportedBundle[] = [];
  let resources = 0;
  let durationMs = 0;
  for (const file of files) {
    const bundle = readBundleFile(file);
    const startedAt = performance.now();
    const answer = await client.send('POST', '', { body: bundle.bytes, name: bundle.name });
    durationMs += performance.now() - startedAt;
    imported.push({ file, places: placesOf(bundle, JSON.parse(answer.text) as Bundle) });
    resources += bundle.entries.length;
    report.progress(`${imported.length} of ${count(files.length, 'bundle')}, ${count(resources, 'resource')}`);
  }
  const detail = `${count(files.length, 'bundle')}, ${count(resources, 'resource')}, ${perSecond(resources, durationMs)}`;
  return { value: imported, detail, durationMs };
}

function bundleFilesOf(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name.endsWith('.json'));
  if (names.length === 0) throw new DemoFailure(`${folder} has no .json files to import.`);
  return names.sort().map((name) => path.join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new DemoFailure(`${folder} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function placesOf({ name, entries }: BundleFile, answer: Bundle): string[] {
  const answers = answer.entry ?? [];
  if (answers.length !== entries.length) {
    throw new DemoFailure(`${name}: ${count(entries.length, 'entry')} sent, ${answers.length} answered.`);
  }
  return answers.map(({ response }, index) => {
    const [, place] = /([A-Za-z]+\/[A-Za-z0-9.-]{1,64})\/_history\/[^/]+$/.exec(response?.location ?? '') ?? [];
    if (!response?.status.startsWith('20') || place === undefined) {
      throw new DemoFailure(`${name}: the answer to entry ${index} has no location (status ${response?.status}).`);
    }
    return place;
  });
}
