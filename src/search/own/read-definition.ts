// What a tenant's SearchParameter resource asks to be searched by, or why it cannot be: https://hl7.org/fhir/R4/searchparameter.html

import type { SearchParameter as Resource } from '@medplum/fhirtypes';
import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import type { Definitions } from '../../fhir/definitions.ts';
import { compilePath, requireElements } from '../../fhir/fhirpath/compile.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { compileOwn } from '../search-parameters.ts';
import { elementNames } from './bounded-expression.ts';
import { fittingTypes } from './fitting-types.ts';

const basesMax = 30;
const componentsMax = 5;

/** Written once, or read by those only who may read what they belong to. */
const closedTypes: ReadonlySet<string> = new Set(['AuditEvent', 'Binary']);

/** Dates by which a person is known stand in no readable column: see identifyingDates. */
const identifyingElements: ReadonlySet<string> = new Set(['birthDate', 'deceased', 'born']);

/**
 * Undefined for one that is not `active`, and for one that only says again what R4's own parameter of its code means. Throws
 * 422 for one that cannot be answered.
 */
export function readDefinition(
  resource: Resource,
  definitions: Definitions,
  closed: ReadonlySet<string> = closedTypes,
): SearchParameter | undefined {
  if (resource.status !== 'active' || isRestated(resource, definitions)) return undefined;
  const definition = toDefinition(resource);
  requireName(definition);
  requireTypes(definition, definitions, closed);
  requireComponents(definition, definitions);
  for (const type of definition.base) requireAnswered(definition, type, definitions);
  return definition;
}

/** As guides do that name the parameters of R4 a server must have. */
function isRestated({ code = '', base = [], derivedFrom }: Resource, definitions: Definitions): boolean {
  return (
    derivedFrom !== undefined && base.every((type) => definitions.searchParameters(type).get(code)?.url === derivedFrom)
  );
}

function toDefinition(resource: Resource): SearchParameter {
  const { url = '', code = '', type = 'special', expression, component = [], target = [] } = resource;
  const targets: readonly string[] = target;
  return {
    url,
    code,
    base: [...new Set<string>(resource.base)].sort(),
    type,
    ...(expression !== undefined && { expression }),
    ...(targets.length > 0 && !targets.includes('Resource') && { targets: [...targets].sort() }),
    ...(component.length > 0 && {
      components: component.map(({ definition = '', expression: of = '' }) => ({ definition, expression: of })),
    }),
  };
}

/** It has to be a name in a URL that no prefix, modifier or chain is part of. */
function requireName({ code }: SearchParameter): void {
  if (/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(code)) return;
  throw refused(
    'code',
    'The code of a search parameter is a letter and at most 63 letters, digits and "-"; those that begin with "_" are of FHIR itself.',
  );
}

function requireTypes(
  { base, type, expression = '' }: SearchParameter,
  { resourceTypes }: Definitions,
  closed: ReadonlySet<string>,
): void {
  if (base.length > basesMax) throw refused('base', `A search parameter takes at most ${basesMax} types.`);
  const unknown = base.find((one) => !resourceTypes.has(one) || closed.has(one));
  if (unknown !== undefined) {
    const why = closed.has(unknown) ? `${unknown} takes no further search parameters` : `name each resource type`;
    throw refused('base', `The base has to be resource types: ${why}.`);
  }
  if (type !== 'composite' && !fittingTypes[type]) {
    throw refused('type', `Search parameters of type ${type} cannot be defined here.`, 'not-supported');
  }
  if (expression.trim() === '')
    throw refused('expression', 'An active search parameter needs its expression.', 'required');
}

/** A parameter of R4 does not go away while this one refers to it. */
function requireComponents({ type, components = [] }: SearchParameter, definitions: Definitions): void {
  if ((type === 'composite') !== components.length > 0 || components.length > componentsMax) {
    throw refused(
      'component',
      `A composite has 1 to ${componentsMax} components, and no other search parameter has any.`,
    );
  }
  for (const [index, { definition, expression }] of components.entries()) {
    if (!definitions.searchParameterByUrl(definition)) {
      throw refused(
        `component[${index}].definition`,
        'A component is defined by a search parameter of R4, by its URL.',
      );
    }
    readNames(expression, `component[${index}].expression`);
  }
}

function requireAnswered(definition: SearchParameter, type: string, definitions: Definitions): void {
  const { code, expression = '' } = definition;
  if (definitions.searchParameters(type).has(code)) {
    throw refused('code', `${type} has a search parameter ${code} already; choose another code.`, 'duplicate');
  }
  const names = readNames(expression, 'expression');
  if (definition.type === 'date' && [...names].some((name) => identifyingElements.has(name))) {
    throw refused(
      'expression',
      'Dates of birth and death are stored as keyed tokens only; search them by those of R4.',
    );
  }
  const compiled = compiledWith(definition, type, definitions);
  if (!compiled?.elements?.length) {
    throw refused('expression', `The expression reaches nothing in ${type} that R4 defines.`);
  }
  const fitting = fittingTypes[definition.type];
  const found = [...new Set(compiled.elements.map((element) => element.type))];
  if (!fitting || found.some((one) => fitting.has(one))) return;
  throw refused(
    'expression',
    `In ${type} the expression gives ${found.join(', ')}, which ${definition.type} cannot compare.`,
  );
}

function readNames(expression: string, place: string): ReadonlySet<string> {
  try {
    return elementNames(expression);
  } catch (error) {
    throw refused(place, `The expression cannot be used: ${(error as Error).message}.`);
  }
}

function compiledWith(definition: SearchParameter, type: string, definitions: Definitions) {
  try {
    if (!compilePath(definition.expression ?? '', type, definitions).isNative)
      throw new Error('it is not offered in this form');
    requireElements(definition.expression ?? '', type, definitions);
    const compiled = compileOwn(definitions, type, definition);
    if (compiled) return compiled;
  } catch (error) {
    throw refused('expression', `The expression cannot be used: ${(error as Error).message}.`);
  }
  throw refused('component', `${type} has no values in which the components could be compared.`);
}

function refused(
  place: string,
  diagnostics: string,
  code: 'value' | 'required' | 'duplicate' | 'not-supported' = 'value',
) {
  return fhirError(code, diagnostics, { status: 422, expression: `SearchParameter.${place}` });
}
