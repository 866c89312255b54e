// Word search in narratives and whole resources: https://hl7.org/fhir/R4/search.html#text

import type { Resource } from '@medplum/fhirtypes';
import { membersOf } from './asked.ts';
import { wordsOf } from './string.ts';

/**
 * "_text: search on the narrative of the resource; _content: search on the entire content of the resource": all words asked
 * for stand in it. Identifiers and contacts (`value`) are for their own parameters.
 */
export function matchesWords(resource: Resource, name: '_text' | '_content', value: string): boolean {
  const own = new Set(textsOf(name === '_text' ? narrativeOf(resource) : resource).flatMap(wordsOf));
  return wordsOf(value).every((word) => own.has(word));
}

function narrativeOf(resource: Resource): string {
  return String(membersOf(membersOf(resource).text).div ?? '').replace(/<[^>]*>/g, ' ');
}

function textsOf(node: unknown): string[] {
  if (typeof node === 'string') return [node.replace(/<[^>]*>/g, ' ')];
  return Object.entries(membersOf(node)).flatMap(([name, value]) => (name === 'value' ? [] : textsOf(value)));
}
