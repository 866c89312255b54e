// The compiled traversal says what the expressions say, each evaluated by itself over places: https://hl7.org/fhirpath/N1/

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { constraintErrata, profileConstraints } from '../../../src/fhir/definitions/constraint-errata.ts';
import type { Constraint } from '../../../src/fhir/definitions/snapshot.ts';
import { type BoundedPath, compileBounded } from '../../../src/fhir/fhirpath/compile-bounded.ts';
import { type Place, rootPlace } from '../../../src/fhir/fhirpath/place.ts';
import { Steps } from '../../../src/fhir/fhirpath/places.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { compileInvariants } from '../../../src/validation/invariants/compile-invariants.ts';
import { type Json, placesOf, randomResource } from '../random-resource.ts';
import { definitions } from './build-at.ts';

const check = compileInvariants(definitions);
const seed = 20_261_120;
const proven = new Set(['ele-1', 'ext-1', 'dom-2', 'txt-1', 'txt-2', 'ref-1']);
const compiled = new Map<string, BoundedPath>();

function pathOf({ expression }: Constraint, type: string): BoundedPath {
  const source = constraintErrata.get(expression)?.expression ?? expression;
  const key = `${type} ${source}`;
  const path = compiled.get(key) ?? compileBounded(source, { type, definitions });
  compiled.set(key, path);
  return path;
}

function constraintsOf(type: string): Constraint[] {
  const { constraints = [], base } = definitions.typeDefinition(type) ?? {};
  return [...constraints, ...(base === undefined ? [] : constraintsOf(base))];
}

interface Resource {
  readonly node: Json;
  readonly path: string;
}

/** The resource an element stands in: the one with the longest path above it. */
function ownerOf(path: string, resources: readonly Resource[]): Resource {
  const above = resources.filter((one) => path === one.path || path.startsWith(`${one.path}.`));
  return above.reduce((longest, one) => (one.path.length > longest.path.length ? one : longest));
}

function expected(resource: Json): string[] {
  const places = placesOf(definitions, resource);
  const resources = places.filter(({ node, typeName }) => node.resourceType === typeName);
  const found: string[] = [];
  for (const { node, typeName, path } of places) {
    const owner = ownerOf(path, resources);
    const isContained = /\.contained\[\d+\]$/.test(owner.path);
    const container = isContained ? ownerOf(owner.path.replace(/\.[^.]+$/, ''), resources) : owner;
    const toPlace = ({ node: one }: Resource) => rootPlace(one, one.resourceType as string);
    const roots = { resource: toPlace(owner), rootResource: toPlace(container) };
    const note = (constraints: readonly Constraint[], focus: Place, type: string, at: string) => {
      for (const constraint of constraints) {
        if (proven.has(constraint.key) || (isContained && constraint.key === 'dom-6')) continue;
        if (!isMet(pathOf(constraint, type), focus, roots)) found.push(`${constraint.key} ${at}`);
      }
    };
    note(constraintsOf(typeName), rootPlace(node, typeName), typeName, path);
    for (const [jsonName, value] of Object.entries(node)) {
      const property = definitions.properties(typeName).get(jsonName);
      if (!property) continue;
      const { element, type, isPrimitive } = property;
      const ofProfile = profileConstraints.get(type.profile ?? '');
      const constraints = [...(element.constraints ?? []), ...(ofProfile ? [ofProfile] : [])];
      for (const [index, item] of (Array.isArray(value) ? value : [value]).entries()) {
        if (item === null) continue;
        const focus = { value: item, extras: undefined, type: type.code, isPrimitive, at: undefined };
        note(constraints, focus, type.code, `${path}.${element.name}${Array.isArray(value) ? `[${index}]` : ''}`);
      }
    }
  }
  return found.sort();
}

function isMet(path: BoundedPath, focus: Place, roots: { resource: Place; rootResource: Place }): boolean {
  try {
    const found = path.find(focus, { roots, steps: new Steps(10_000_000) });
    return found.length === 1 && found[0]?.value === true;
  } catch (error) {
    if (error instanceof FhirError) return false;
    throw error;
  }
}

function actual(resource: Json): string[] {
  return check(resource)
    .map(({ details, expression }) => `${details.text} ${expression?.[0]}`)
    .sort();
}

describe('the same issues at the same places as from every expression by itself', () => {
  test('in resources of every type, made by chance', () => {
    let issueCount = 0;
    const property = fc.property(fc.constantFrom(...definitions.resourceTypes), fc.nat(), (type, chance) => {
      const resource = randomResource(definitions, type, chance);
      const issues = expected(resource);
      issueCount += issues.length;
      expect(actual(resource)).toEqual(issues);
    });
    fc.assert(property, { seed, numRuns: 600 });
    expect(issueCount).toBeGreaterThan(500);
  });

  test('where resources contain others (dom-3 is written by hand)', () => {
    const contained = fc.array(
      fc.record({
        resourceType: fc.constant('List'),
        id: fc.constantFrom('a', 'b', 'c'),
        subject: fc.record({ reference: fc.constantFrom('#', '#a', '#b', 'Patient/1') }),
        _title: fc.constantFrom({ id: 'x' }, { extension: [{ url: '#c', valueCanonical: '#' }] }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const property = fc.property(contained, fc.constantFrom('#a', '#b', 'urn:x'), (items, reference) => {
      const extension = [
        { url: 'urn:x', valueUrl: reference },
        { url: 'urn:y', valueString: '#c' },
      ];
      const resource = { resourceType: 'List', contained: items, extension, source: { reference: '#b' } };
      expect(actual(resource)).toEqual(expected(resource));
    });
    fc.assert(property, { seed, numRuns: 200 });
  });

  test('where concepts have the same code on several levels (csd-1 is written by hand)', () => {
    const { concepts } = fc.letrec<{ concepts: Json[] }>((tie) => ({
      concepts: fc.array(
        fc.record({
          code: fc.constantFrom(...'abcdefghij'),
          concept: fc.option(tie('concepts'), { nil: undefined, maxDepth: 3 }),
        }),
        { minLength: 1, maxLength: 3 },
      ) as fc.Arbitrary<Json[]>,
    }));
    const contained = fc.option(fc.constantFrom('a', 'z'), { nil: undefined });
    const property = fc.property(concepts, contained, (concept, code) => {
      const include = [{ system: 'urn:x', concept: [{ code }, { code: 'z' }] }];
      const resource = {
        resourceType: 'CodeSystem',
        ...(code !== undefined && { contained: [{ resourceType: 'ValueSet', id: 'v', compose: { include } }] }),
        valueSet: '#v',
        concept,
      };
      expect(actual(resource)).toEqual(expected(resource));
    });
    fc.assert(property, { seed, numRuns: 200 });
  });
});
