// What the capability statement says beside the route table, and what a row of that table may say of itself.

import type { CapabilityStatementRestResource } from '@medplum/fhirtypes';
import type { Operation } from '../../operations/operation.ts';
import { candidatesMax } from '../../search/compile/candidates.ts';
import { includesMax } from '../../search/compile/includes.ts';
import { countDefault, countMax } from '../../search/parse/result-parameters.ts';
import { accurateMax } from '../../search/run-search.ts';
import { sortedMax } from '../../search/sort-opened.ts';
import { bundleEntriesMax } from '../interactions/bundle.ts';
import { fhirJson, fhirXml, mediaTypes } from '../media-type.ts';
import type { FhirRoute } from '../route.ts';

export interface CapabilityFacts {
  readonly formats: readonly string[];
  readonly patchFormats: readonly string[];
  readonly operations: readonly Operation[];
  /** Of the base URL itself, which has no row in the table. */
  readonly systemInteractions: readonly ('transaction' | 'batch')[];
  /** What is bounded and by how much, such as `entries of a bundle`: 10,000. */
  readonly limits: ReadonlyMap<string, number>;
}

/** What a route adds to the statement of each type it is open for, such as `{ conditionalDelete: 'multiple' }`. */
export type Declaration = Pick<
  CapabilityStatementRestResource,
  'conditionalCreate' | 'conditionalRead' | 'conditionalUpdate' | 'conditionalDelete'
>;

export type DeclaringRoute = Pick<FhirRoute, 'code' | 'path'> & { readonly declares?: Declaration };

/** What this server offers; `bodyBytesMax` is the process's own setting. */
export function offeredFacts(bodyBytesMax: number, operations: readonly Operation[]): CapabilityFacts {
  return {
    formats: [...mediaTypes.keys(), 'json', 'xml'],
    patchFormats: ['application/json-patch+json', 'application/merge-patch+json', fhirJson, fhirXml],
    operations,
    systemInteractions: ['transaction', 'batch'],
    limits: new Map([
      ['bytes of a body', bodyBytesMax],
      ['entries of a batch or transaction', bundleEntriesMax],
      [`resources on a page of a search (${countDefault} where \`_count\` does not say)`, countMax],
      ['resources included on a page', includesMax],
      ['matches sorted by what is stored encrypted, such as names', sortedMax],
      ['resources opened for one search, where no index can decide', candidatesMax],
      ['matches counted exactly (`_total=accurate`), but for those of a whole type', accurateMax],
    ]),
  };
}
