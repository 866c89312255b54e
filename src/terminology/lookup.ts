// What a code system says of one of its codes: https://hl7.org/fhir/R4/codesystem-operation-lookup.html

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
import { displayIn, supplementingConcepts, toDesignation } from './describe-page.ts';
import type { Queries } from './find-system.ts';
import type { Designation, PropertyValue } from './source-system.ts';
import type { StoredConcept, StoredSystem } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

export interface LookupRequest {
  readonly code: string;
  readonly displayLanguage?: string | undefined;
  /** Only these; none = all. */
  readonly properties: readonly string[];
}

/** What is below a concept near the top is not listed unless it is asked for. */
const childrenSpanMax = 10_000;

/** Throws 404 for a code that the system does not have. */
export async function lookup(trx: Queries, system: StoredSystem, request: LookupRequest): Promise<Parameters> {
  const reader = new SystemReader(trx, system);
  const concept = await reader.concept(request.code);
  if (!concept) {
    throw fhirError('not-found', `The code system ${system.url} does not have this code.`);
  }
  const isAsked = (name: string) => request.properties.length === 0 || request.properties.includes(name);
  // "lang.X, where X is a language code in a designation".
  const isDesignationAsked = (language: string | undefined) =>
    isAsked('designation') || (language !== undefined && request.properties.includes(`lang.${language}`));
  const added = await supplementingConcepts(trx, system, [concept]);
  const all = [concept, ...added];
  const designations = all.flatMap(({ detail }) => detail?.designations ?? []);
  const properties = all.flatMap(({ detail }) => detail?.properties ?? []);
  const relatives = await relativesOf(reader, concept, isAsked, request.properties.includes('child'));
  const shown = [...definitionOf(concept), ...relatives, ...inactiveOf(concept), ...properties];
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'name', valueString: system.title },
      ...(system.version === '' ? [] : [{ name: 'version', valueString: system.version }]),
      {
        name: 'display',
        valueString: displayIn(request.displayLanguage, designations) ?? concept.display ?? concept.code,
      },
      ...designations.filter(({ language }) => isDesignationAsked(language)).map(designationParameter),
      ...shown.filter(({ code }) => isAsked(code)).map((one) => propertyParameter(system, one)),
    ],
  };
}

function definitionOf({ detail }: StoredConcept): PropertyValue[] {
  return detail?.definition === undefined ? [] : [{ code: 'definition', type: 'string', value: detail.definition }];
}

/** Said as a property where the code system does not say it as one. */
function inactiveOf({ inactive, detail }: StoredConcept): PropertyValue[] {
  if (detail?.properties?.some(({ code }) => code === 'inactive')) return [];
  return [{ code: 'inactive', type: 'boolean', value: inactive }];
}

async function relativesOf(
  reader: SystemReader,
  concept: StoredConcept,
  isAsked: (name: string) => boolean,
  isChildNamed: boolean,
): Promise<PropertyValue[]> {
  const showsChildren = isAsked('child') && (isChildNamed || reader.below(concept).count <= childrenSpanMax);
  const [parents, children] = await all([
    isAsked('parent') ? reader.byIds(concept.parents) : [],
    showsChildren ? reader.childrenOf(concept) : [],
  ]);
  const related = (code: string, one: StoredConcept): PropertyValue => ({ code, type: 'code', value: one.code });
  return [...parents.map((one) => related('parent', one)), ...children.map((one) => related('child', one))];
}

function designationParameter(designation: Designation): ParametersParameter {
  const { language, use, value } = toDesignation(designation);
  return {
    name: 'designation',
    part: [
      ...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
      ...(use === undefined ? [] : [{ name: 'use', valueCoding: use }]),
      { name: 'value', valueString: value },
    ] as ParametersParameter[],
  };
}

function propertyParameter(system: StoredSystem, { code, type, value }: PropertyValue): ParametersParameter {
  const description = system.properties.find((one) => one.code === code)?.description;
  const name = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
  return {
    name: 'property',
    part: [
      { name: 'code', valueCode: code },
      { name: 'value', [name]: value },
      ...(description === undefined ? [] : [{ name: 'description', valueString: description }]),
    ] as ParametersParameter[],
  };
}
