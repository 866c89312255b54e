// The kinds of searches that server and reference evaluator must agree on, each with a request that the server must answer.

import type { Prefix } from '../search/reference/date.ts';
import type { ReferenceParameter } from '../search/reference/parameters.ts';
import {
  type AskValue,
  askAbove,
  askBelow,
  askContained,
  askDate,
  askExact,
  askIdentifier,
  askNumber,
  askOfType,
  askQuantity,
  askReference,
  askToken,
  askTokenText,
  askTypedReference,
  askUri,
  askWords,
} from './agreement-values.ts';

export interface AgreementClass {
  /** Parameter type, with the modifier or prefix. */
  readonly name: string;
  /** A search of it, below the FHIR base. */
  readonly probe: string;
  readonly ask: Ask;
}

/** From a parameter's own value, or from how resources hang together (agreement-queries.ts). */
export type Ask =
  | { readonly by: 'value'; readonly type: ReferenceParameter['type']; readonly value: AskValue }
  | { readonly by: 'missing' | 'not' | 'in' | 'not-in'; readonly type: ReferenceParameter['type'] }
  | {
      readonly by:
        | 'composite'
        | 'near'
        | 'id'
        | 'chain'
        | 'chain2'
        | 'has'
        | 'has2'
        | 'list'
        | '_text'
        | '_content'
        | 'filter';
    };

const prefixes: readonly (Prefix | '')[] = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

export function agreementClasses(baseUrl: string): readonly AgreementClass[] {
  return [
    ofValue('token', 'Patient?gender=male', 'token', askToken),
    ofValue('token:text', 'Observation?code:text=a', 'token', askTokenText),
    ofValue('token:of-type', 'Patient?identifier:of-type=http://a|b|c', 'token', askOfType),
    { name: 'token:not', probe: 'Patient?gender:not=male', ask: { by: 'not', type: 'token' } },
    {
      name: 'token:in',
      probe: 'Observation?code:in=ValueSet/valueset-1',
      ask: { by: 'in', type: 'token' },
    },
    {
      name: 'token:not-in',
      probe: 'Observation?code:not-in=ValueSet/valueset-1',
      ask: { by: 'not-in', type: 'token' },
    },
    missing('token', 'Patient?gender:missing=true'),
    ofValue('string', 'Patient?family=a', 'string', askWords),
    ofValue('string:exact', 'Patient?family:exact=a', 'string', askExact),
    ofValue('string:contains', 'Patient?family:contains=abc', 'string', askContained),
    missing('string', 'Patient?family:missing=true'),
    ...prefixes.map((prefix) =>
      ofValue(named('date', prefix), `Observation?date=${prefix}2020`, 'date', askDate(prefix)),
    ),
    missing('date', 'Observation?date:missing=true'),
    ...prefixes.map((prefix) =>
      ofValue(named('number', prefix), `RiskAssessment?probability=${prefix}0.5`, 'number', askNumber(prefix)),
    ),
    missing('number', 'RiskAssessment?probability:missing=true'),
    ...prefixes.map((prefix) =>
      ofValue(named('quantity', prefix), `Observation?value-quantity=${prefix}5.4`, 'quantity', askQuantity(prefix)),
    ),
    missing('quantity', 'Observation?value-quantity:missing=true'),
    ofValue('reference', 'Observation?subject=Patient/1', 'reference', askReference(baseUrl)),
    ofValue('reference:[type]', 'Observation?subject:Patient=1', 'reference', askTypedReference),
    ofValue('reference:identifier', 'Observation?subject:identifier=1', 'reference', askIdentifier),
    missing('reference', 'Observation?subject:missing=true'),
    ofValue('uri', 'ValueSet?url=http://a', 'uri', askUri),
    ofValue('uri:below', 'ValueSet?url:below=http://a', 'uri', askBelow),
    ofValue('uri:above', 'ValueSet?url:above=http://a', 'uri', askAbove),
    missing('uri', 'ValueSet?url:missing=true'),
    { name: 'composite', probe: 'Observation?code-value-quantity=a$5', ask: { by: 'composite' } },
    { name: 'near', probe: 'Location?near=47|8|10|km', ask: { by: 'near' } },
    { name: '_id', probe: 'Patient?_id=1', ask: { by: 'id' } },
    { name: 'chain', probe: 'Observation?subject:Patient.family=a', ask: { by: 'chain' } },
    {
      name: 'chain of two',
      probe: 'Observation?subject:Patient.organization.name=a',
      ask: { by: 'chain2' },
    },
    { name: '_has', probe: 'Patient?_has:Observation:subject:status=final', ask: { by: 'has' } },
    {
      name: '_has in _has',
      probe: 'Patient?_has:Encounter:subject:_has:Observation:encounter:status=final',
      ask: { by: 'has2' },
    },
    { name: '_list', probe: 'Patient?_list=list-1', ask: { by: 'list' } },
    { name: '_filter', probe: 'Patient?_filter=gender eq male', ask: { by: 'filter' } },
    { name: '_text', probe: 'Patient?_text=a', ask: { by: '_text' } },
    { name: '_content', probe: 'Patient?_content=a', ask: { by: '_content' } },
  ];
}

function ofValue(name: string, probe: string, type: ReferenceParameter['type'], value: AskValue): AgreementClass {
  return { name, probe, ask: { by: 'value', type, value } };
}

function missing(type: ReferenceParameter['type'], probe: string): AgreementClass {
  return { name: `${type}:missing`, probe, ask: { by: 'missing', type } };
}

function named(type: string, prefix: string): string {
  return prefix === '' ? type : `${type} ${prefix}`;
}
