// Reads every imported resource and compares it with what was sent.

import path from 'node:path';
import { parseJson } from '../../fhir/json.ts';
import { readBundleFile, type SentEntry } from './bundle-file.ts';
import { findDifference } from './compare-resource.ts';
import { DemoFailure } from './demo-failure.ts';
import type { FhirClient } from './fhir-client.ts';
import type { ImportedBundle } from './import-bundles.ts';
import { count, perSecond, type Report, type StepResult } from './report.ts';

const concurrency = 8;
/** Named in the last line of a demo that failed. */
const differencesShown = 5;

export async function readBack(
  client: FhirClient,
  imported: readonly ImportedBundle[],
  report: Report,
): Promise<StepResult<number>> {
  const differences: string[] = [];
  let resources = 0;
  const startedAt = performance.now();
  for (const { file, places } of imported) {
    const { name, entries } = readBundleFile(file);
    const placeByUrl = new Map(entries.map(({ fullUrl }, index) => [fullUrl ?? '', places[index] ?? '']));
    await forEach(entries, async (sent, index) => {
      const difference = await compareWithServer(client, sent, places[index] ?? '', placeByUrl);
      if (difference !== undefined) differences.push(`${name} entry ${index}: ${difference}`);
    });
    resources += entries.length;
    report.progress(`${count(resources, 'resource')} read, last of ${path.basename(file)}`);
  }
  if (differences.length > 0) {
    const shown = differences.slice(0, differencesShown).join('; ');
    throw new DemoFailure(`${count(differences.length, 'resource')} of ${resources} came back different: ${shown}`);
  }
  const rate = perSecond(resources, performance.now() - startedAt);
  return { value: resources, detail: `${count(resources, 'resource')}, all read back equal, ${rate}` };
}

async function compareWithServer(
  client: FhirClient,
  sent: SentEntry,
  place: string,
  placeByUrl: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const answer = await client.send('GET', place, { allowed: [404, 410] });
  if (answer.status !== 200) return `${place} is answered ${answer.status}`;
  const received = parseJson(answer.text);
  const { resourceType, id } = received.value as { resourceType?: string; id?: string };
  if (`${resourceType}/${id}` !== place) return `${place} is answered by another resource`;
  return findDifference(sent, received, placeByUrl);
}

/** A bounded number at a time; the first failure ends them all. */
async function forEach<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const walk = async () => {
    for (const [index, item] of queue) await work(item, index);
  };
  await Promise.all(Array.from({ length: concurrency }, walk));
}
