// Writes value sets into their table as they are composed: https://hl7.org/fhir/R4/valueset.html

import type { ValueSet } from '@medplum/fhirtypes';
import type { Transaction } from '../database/transaction.ts';
import type { Origin } from './stored-concept.ts';

export interface NamedValueSet {
  readonly resourceId: string;
  readonly valueSet: ValueSet;
}

/** In place of those of the same resources. One without a url is found by its id only. */
export function storeValueSets(trx: Transaction, origin: Origin, valueSets: readonly NamedValueSet[]): void {
  if (valueSets.length === 0) return;
  trx.execute({
    name: `insert-value-sets-${origin}`,
    text: `INSERT INTO ${origin}.value_set (resource_id, url, version, content)
           SELECT resource_id, url, version, content::jsonb
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS row (resource_id, url, version, content)`,
    values: [
      valueSets.map(({ resourceId }) => resourceId),
      valueSets.map(({ valueSet }) => valueSet.url ?? ''),
      valueSets.map(({ valueSet }) => valueSet.version ?? ''),
      valueSets.map(({ valueSet }) => JSON.stringify(keptOf(valueSet))),
    ],
  });
}

export function removeValueSets(trx: Transaction, origin: Origin, resourceIds: readonly string[]): void {
  trx.execute({
    name: `delete-value-sets-${origin}`,
    text: `DELETE FROM ${origin}.value_set WHERE resource_id = ANY ($1::text[])`,
    values: [resourceIds],
  });
}

/** Codes that its composition and its expansion list. */
export function countListed({ compose, expansion }: ValueSet): number {
  let count = 0;
  for (const part of [...(compose?.include ?? []), ...(compose?.exclude ?? [])]) count += part.concept?.length ?? 0;
  const waiting = [...(expansion?.contains ?? [])];
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    count++;
    for (const inner of one.contains ?? []) waiting.push(inner);
  }
  return count;
}

/** What an expansion says and is made of; who published it stays in the resource, which is encrypted. */
function keptOf({ url, version, name, title, status, immutable, compose, expansion }: ValueSet): ValueSet {
  const identity = { url, version, name, title, status, immutable };
  return { resourceType: 'ValueSet', ...identity, compose, expansion } as ValueSet;
}
