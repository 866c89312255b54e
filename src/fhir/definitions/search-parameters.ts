// R4's SearchParameters and CompartmentDefinitions in the snapshot's form: https://hl7.org/fhir/R4/searchparameter-registry.html

import type { CompartmentDefinition, SearchParameter as SourceParameter } from '@medplum/fhirtypes';
import type { Compartment, SearchParameter } from './snapshot.ts';

/** Leaves out what is not of 4.0.1 (DeviceDefinition.classification of R5). */
export function buildSearchParameters(sources: readonly SourceParameter[]): SearchParameter[] {
  return sources.filter(({ version }) => version === '4.0.1').map(toSearchParameter);
}

function toSearchParameter(source: SourceParameter): SearchParameter {
  const { url, code, base, type, expression, target, component, comparator, multipleOr } = source;
  const targets: readonly string[] = target ?? [];
  return {
    url: url ?? '',
    code: code ?? '',
    base: base ?? [],
    type: type ?? 'special',
    ...(expression && { expression }),
    ...(targets.length > 0 && !targets.includes('Resource') && { targets }),
    ...(component && { components: component.map(toComponent) }),
    ...(comparator && { comparators: comparator }),
    ...(multipleOr !== undefined && { multipleOr }),
  };
}

function toComponent({ definition = '', expression = '' }: NonNullable<SourceParameter['component']>[number]) {
  return { definition, expression };
}

export function buildCompartments(sources: readonly CompartmentDefinition[]): Record<string, Compartment> {
  return Object.fromEntries(sources.map((source) => [source.code ?? '', toCompartment(source)]));
}

function toCompartment({ code = 'Patient', resource = [] }: CompartmentDefinition): Compartment {
  const parameters: Record<string, string[]> = {};
  for (const { code: type, param } of resource) {
    // `{def}` is the specification's word for the compartment's own resource.
    const codes = (param ?? []).filter((name) => name !== '{def}');
    if (type && codes.length > 0) parameters[type] = codes;
  }
  return { code, parameters };
}
