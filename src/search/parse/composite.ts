// Composite values: the values of the components between dollar signs: https://hl7.org/fhir/R4/search.html#composite

import type { Component } from '../composite.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { ComponentCriteria, Criterion } from '../search-query.ts';
import { type CriterionSource, requireFewValues } from './criterion-source.ts';
import { invalidValue } from './search-notes.ts';
import { splitValue } from './split.ts';

/** Each may be a lookup of several steps. */
const valuesMax = 50;

/** Reads the values of a component. */
type ParseComponent = (source: CriterionSource) => Criterion | undefined;

export function parseComposites(source: CriterionSource, parse: ParseComponent): Criterion {
  const { name, parameter, values } = source;
  requireFewValues(source, valuesMax);
  const stored = parameter.storedIn?.() ?? [parameter];
  return {
    kind: 'composite',
    values: values.flatMap((value) =>
      stored.map((one) => ({ parameter: one, components: parseValue(one, value, name, parse) })),
    ),
  };
}

function parseValue(
  { composite }: IndexedParameter,
  value: string,
  name: string,
  parse: ParseComponent,
): ComponentCriteria[] {
  const components = composite?.components ?? [];
  const parts = splitValue(value, '$');
  if (parts.length !== components.length || parts.includes('')) {
    throw invalidValue(name, `${components.length} values with a dollar sign between them`);
  }
  return components.map((component, index) => parseComponent(component, parts[index] ?? '', name, parse));
}

function parseComponent(
  { parameter, standsFor }: Component,
  value: string,
  name: string,
  parse: ParseComponent,
): ComponentCriteria {
  const criterionOf = (asked: IndexedParameter) =>
    parse({ name, parameter: asked, modifier: undefined, values: [value] });
  const within = criterionOf(parameter);
  if (!within) throw invalidValue(name, 'one that can be compared');
  const whole = standsFor();
  const anywhere = whole && criterionOf(whole);
  return { parameter, within, ...(anywhere && { anywhere }) };
}
