// Which data types each type of search parameter reads: https://hl7.org/fhir/R4/search.html#table

import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';

const texts = ['string', 'markdown', 'code', 'id', 'uri', 'url'];
const uris = ['uri', 'url', 'canonical', 'oid', 'uuid'];
const numbers = ['integer', 'positiveInt', 'unsignedInt', 'decimal'];

/** Undefined for what a tenant cannot define. */
export const fittingTypes: Readonly<Partial<Record<SearchParameter['type'], ReadonlySet<string>>>> = {
  token: new Set(['code', 'Coding', 'CodeableConcept', 'Identifier', 'ContactPoint', 'boolean', ...texts, ...uris]),
  string: new Set(['HumanName', 'Address', ...texts]),
  date: new Set(['date', 'dateTime', 'instant', 'Period', 'Timing']),
  number: new Set(numbers),
  quantity: new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'Range', 'SampledData']),
  reference: new Set(['Reference', ...uris]),
  uri: new Set(uris),
};
