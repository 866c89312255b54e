// This project's own profiles, extensions, terminology and search parameters, from the folder fhir-profiles: https://hl7.org/fhir/R4/conformance-module.html

import type { Resource } from '@medplum/fhirtypes';
import { readOwnFiles } from '../../fhir/definitions/own-files.ts';
import { parseJson } from '../../fhir/json.ts';
import { type ConformanceSet, sortConformance } from './conformance-set.ts';

let loaded: OwnDefinitions | undefined;

export interface OwnDefinitions extends ConformanceSet {
  /** JSON texts by `Type/id`, to be read by clients. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Read once, at start. */
export function ownDefinitions(): OwnDefinitions {
  loaded ??= readFolder();
  return loaded;
}

function readFolder(): OwnDefinitions {
  const sources = readOwnFiles().map((text) => {
    const { value, exactNumbers } = parseJson(text);
    return { text, resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
  });
  const texts = new Map(sources.map(({ resource, text }) => [`${resource.resourceType}/${resource.id}`, text]));
  return { ...sortConformance(sources), texts };
}
