// From the JSON text of an interaction's answer to what the client asked for: XML, indented, smaller: https://hl7.org/fhir/R4/http.html#parameters

import type { Definitions } from '../fhir/definitions.ts';
import { parseJson, serializeJson } from '../fhir/json.ts';
import { serializeXml } from '../fhir/xml/serialize-xml.ts';
import { createSubset, type ResourceObject } from '../search/project.ts';
import type { AnswerFormat } from './answer-format.ts';
import type { AnswerSubset } from './answer-subset.ts';

export interface Representation {
  readonly format: AnswerFormat;
  readonly subset: AnswerSubset | undefined;
}

/** Only what JSON text does not already hold costs a parse. */
export function represent(definitions: Definitions, json: string, { format, subset }: Representation): string {
  const isXml = format.syntax === 'xml';
  if (!isXml && !subset) return format.isPretty ? prettyJson(json) : json;
  const { value, exactNumbers } = parseJson(json);
  const wanted = subset ? subsetAnswer(definitions, value as ResourceObject, subset) : value;
  if (isXml) return serializeXml(wanted, definitions, exactNumbers, { pretty: format.isPretty });
  const text = serializeJson(wanted, exactNumbers);
  return format.isPretty ? prettyJson(text) : text;
}

function subsetAnswer(definitions: Definitions, resource: ResourceObject, subset: AnswerSubset): ResourceObject {
  const shrink = createSubset(definitions, subset);
  if (!shrink || isWhole(resource, subset)) return resource;
  const { resourceType, entry } = resource as { resourceType: string; entry?: readonly Entry[] };
  if (!subset.isOfEntries || resourceType !== 'Bundle') return shrink(resource);
  if (!entry) return resource;
  return {
    ...resource,
    entry: entry.map((one) => (one.resource ? { ...one, resource: shrink(one.resource) } : one)),
  };
}

interface Entry {
  readonly resource?: ResourceObject;
}

/** What is made for the answer alone; of a document or a batch's answers nothing may be missing. */
function isWhole({ resourceType, type }: ResourceObject, { isOfEntries }: AnswerSubset): boolean {
  if (resourceType === 'OperationOutcome') return true;
  if (!isOfEntries) return false;
  return resourceType === 'Parameters' || (resourceType === 'Bundle' && type !== 'history' && type !== 'searchset');
}

/** https://tc39.es/proposal-json-parse-with-source/: Node has it, TypeScript's library not yet. */
const sourceJson = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, revive: (key: string, value: unknown, context: { readonly source: string }) => unknown): unknown;
};

/** Two spaces a level; numbers keep their text. */
export function prettyJson(json: string): string {
  const revive = (_: string, value: unknown, { source }: { readonly source: string }) =>
    typeof value === 'number' ? sourceJson.rawJSON(source) : value;
  return JSON.stringify(sourceJson.parse(json, revive), undefined, 2);
}
