// The answer of the $meta operations: a resource's meta as the parameter `return`.

import type { Parameters } from '@medplum/fhirtypes';
import type { Content } from '../repository/change.ts';
import { findExact, markExact } from '../repository/exact-tree.ts';

export function answerMeta({ resource, exactNumbers }: Content): Content {
  const meta = resource.meta ?? {};
  const answer = answerOf(meta) as Parameters;
  if (!exactNumbers) return { resource: answer };
  // Extensions of tags may hold decimals.
  const marked = markExact({ meta }, exactNumbers) as { meta: object };
  return { resource: answer, exactNumbers: findExact(answerOf(marked.meta)) };
}

function answerOf(meta: object): object {
  return { resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: meta }] };
}
