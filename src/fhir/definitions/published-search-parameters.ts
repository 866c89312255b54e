// The SearchParameter resources of R4 as they were published, by id: https://hl7.org/fhir/R4/searchparameter-registry.html

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from '@medplum/fhirtypes';
import { sourceDirectory } from './snapshot.ts';

let published: ReadonlyMap<string, string> | undefined;

/** JSON texts. Read at the first question, for the snapshot holds only what searches need and most processes are never asked. */
export function publishedSearchParameters(): ReadonlyMap<string, string> {
  published ??= readPublished();
  return published;
}

/** Each id is the end of the parameter's canonical URL. */
function readPublished(): Map<string, string> {
  const bundle = JSON.parse(readFileSync(join(sourceDirectory, 'search-parameters.json'), 'utf8')) as Bundle;
  const texts = new Map<string, string>();
  for (const { resource } of bundle.entry ?? []) {
    if (resource?.resourceType === 'SearchParameter' && resource.id !== undefined)
      texts.set(resource.id, JSON.stringify(resource));
  }
  return texts;
}
