// Whether the components of a composite value meet on one element, decided on the resource itself:
// https://hl7.org/fhir/R4/search.html#composite

import type { Resource } from '@medplum/fhirtypes';
import type { CompositeElement } from '../composite.ts';
import { spanOf } from '../date-span.ts';
import { EntryCollector } from '../extract/entry-collector.ts';
import { extractReference } from '../extract/reference.ts';
import { searchedTexts } from '../extract/string.ts';
import { extractToken } from '../extract/token.ts';
import { foldWords } from '../fold-text.ts';
import type { ComponentCriteria, CompositeValue, Criterion } from '../search-query.ts';
import { type CompiledCriterion, passes } from './condition.ts';
import { matchesQuantity } from './quantity.ts';
import { compileReference } from './reference.ts';
import { compileToken } from './token.ts';

export function meetsOneElement({ parameter, components }: CompositeValue, resource: Resource): boolean {
  return parameter.read(resource).some((element) => {
    if (typeof element !== 'object' || element === null) return false;
    return components.every((component) => meets(component, { element, resource }));
  });
}

function meets({ parameter, within }: ComponentCriteria, element: CompositeElement): boolean {
  const values = parameter.read(element);
  switch (within.kind) {
    case 'token':
      return hasToken(compileToken(within), (entries) => {
        for (const value of values) extractToken(value, within.key, within.shape, entries);
      });
    case 'value':
      return hasToken(compileReference(within), (entries) => {
        for (const value of values) extractReference(value, parameter, entries, false);
      });
    case 'number':
    case 'quantity':
      return values.some((value) => within.values.some((asked) => matchesQuantity(value, asked)));
    case 'date':
      return values.map(spanOf).some((span) => span && within.values.some((asked) => passes(asked, span)));
    case 'string':
      return beginsWords(within, values.flatMap(searchedTexts).flatMap(foldWords));
    default:
      throw new Error(`A component cannot be a criterion of kind ${within.kind}.`);
  }
}

function hasToken({ conditions }: CompiledCriterion, extract: (entries: EntryCollector) => void): boolean {
  const entries = new EntryCollector();
  extract(entries);
  return conditions.every(
    (condition) =>
      condition.kind === 'tokens' && condition.anyOf.some((texts) => texts.every((text) => entries.has(text))),
  );
}

function beginsWords({ texts }: Criterion & { kind: 'string' }, stored: readonly string[]): boolean {
  return texts.some((text) => foldWords(text).every((word) => stored.some((candidate) => candidate.startsWith(word))));
}
