// Whatever the resource, a valid one is accepted and each single fault is found at its place: https://hl7.org/fhir/R4/json.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import type { Issue } from '../../src/fhir/outcome.ts';
import { createStructureCheck } from '../../src/validation/structure.ts';
import { type Json, type Place, placesOf, randomResource } from './random-resource.ts';

const seed = 20_261_120;
const definitions = loadDefinitions();
const validate = createStructureCheck(definitions);

/** A member of an object somewhere in a resource, of a kind that a fault can be put into. */
interface Target extends Place {
  readonly key: string;
  readonly elementPath: string;
}

const resource = fc
  .tuple(fc.constantFrom(...definitions.resourceTypes), fc.integer())
  .map(([type, number]) => randomResource(definitions, type, number));

function targets(tree: Json, accepts: (target: Target) => boolean): Target[] {
  return placesOf(definitions, tree).flatMap((place) =>
    Object.keys(place.node)
      .filter((key) => definitions.properties(place.typeName).has(key))
      .map((key) => ({ ...place, key, elementPath: `${place.path}.${propertyOf({ ...place, key }).element.name}` }))
      .filter(accepts),
  );
}

function propertyOf({ typeName, key }: { typeName: string; key: string }) {
  return definitions.properties(typeName).get(key)!;
}

/** Puts a fault into one of the targets of a valid resource and demands an issue there. */
function demandIssue(
  accepts: (target: Target) => boolean,
  spoil: (target: Target) => void,
  isExpected: (issue: Issue, target: Target) => boolean,
): void {
  const property = fc.property(
    resource,
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (valid, choice) => {
      const found = targets(valid, accepts);
      const target = found[Math.floor(choice * found.length)];
      fc.pre(target !== undefined);
      spoil(target);
      const issues = validate(valid);
      if (!issues.some((issue) => isExpected(issue, target))) {
        throw new Error(`${target.elementPath}: ${JSON.stringify(issues, null, 1)}`);
      }
    },
  );
  fc.assert(property, { seed, numRuns: 400 });
}

function isAt(issue: Issue, path: string): boolean {
  return issue.expression?.[0] === path;
}

describe(`resources of all 146 types (seed ${seed})`, () => {
  test.each([...definitions.resourceTypes])('a %s with what R4 requires and allows is valid', (type) => {
    for (let i = 0; i < 20; i++) expect(validate(randomResource(definitions, type, seed + i))).toEqual([]);
  });
});

describe(`a single fault is found at its place (seed ${seed})`, () => {
  test('a required element is left out', () => {
    demandIssue(
      (target) => propertyOf(target).element.isRequired === true,
      ({ node, key }) => {
        delete node[key];
        delete node[`_${key}`];
      },
      (issue, { elementPath }) => issue.code === 'required' && isAt(issue, elementPath),
    );
  });

  test('an element is there that the type does not have', () => {
    demandIssue(
      () => true,
      ({ node }) => {
        node.surprise = 'x';
      },
      (issue, { path }) => issue.code === 'structure' && isAt(issue, `${path}.surprise`),
    );
  });

  test('a primitive has another JSON type', () => {
    demandIssue(
      (target) => propertyOf(target).isPrimitive && !propertyOf(target).element.repeats,
      ({ node, key }) => {
        node[key] = typeof node[key] === 'string' ? 1 : 'x';
      },
      (issue, { elementPath }) => issue.code === 'structure' && isAt(issue, elementPath),
    );
  });

  test('a repeating element is no array, a single one is', () => {
    demandIssue(
      () => true,
      ({ node, key }) => {
        node[key] = Array.isArray(node[key]) ? node[key][0] : [node[key]];
      },
      (issue, { elementPath }) => issue.code === 'structure' && isAt(issue, elementPath),
    );
  });

  test.each([null, [], {}, ''])('a value is %j', (nothing) => {
    demandIssue(
      () => true,
      ({ node, key }) => {
        node[key] = nothing;
      },
      (issue, { elementPath }) =>
        ['structure', 'value', 'code-invalid'].includes(issue.code) && isAt(issue, elementPath),
    );
  });

  test.each(['2026-02-30', '2026-13', '2026-11-20T25:00:00Z', '26'])('a date is %s', (impossible) => {
    demandIssue(
      (target) =>
        ['date', 'dateTime', 'instant'].includes(propertyOf(target).type.code) && !propertyOf(target).element.repeats,
      ({ node, key }) => {
        node[key] = impossible;
      },
      (issue, { elementPath }) => issue.code === 'value' && isAt(issue, elementPath),
    );
  });

  test('a code is not in the value set that binds it', () => {
    const isBound = (target: Target) => {
      const { element, type } = propertyOf(target);
      const known = definitions.valueSet(element.binding?.valueSet ?? '');
      return (
        type.code === 'code' && element.binding?.strength === 'required' && known !== undefined && !element.repeats
      );
    };
    demandIssue(
      isBound,
      ({ node, key }) => {
        node[key] = 'no-such-code';
      },
      (issue, { elementPath }) => issue.code === 'code-invalid' && isAt(issue, elementPath),
    );
  });

  test('a choice has two types', () => {
    demandIssue(
      (target) => propertyOf(target).element.isChoice === true && target.typeName !== 'Extension',
      ({ node, key, typeName }) => {
        const { element } = propertyOf({ typeName, key });
        const [other] = [...definitions.properties(typeName)].filter(
          ([name, found]) => name !== key && found.element === element,
        );
        node[other![0]] = node[key];
      },
      (issue, { elementPath }) => issue.code === 'structure' && isAt(issue, elementPath),
    );
  });
});

test(`whatever JSON it is given, the validator answers with at most 100 issues (seed ${seed})`, () => {
  const anyTree = fc.tuple(resource, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.jsonValue());
  const property = fc.property(anyTree, fc.jsonValue(), ([valid, choice, value], root) => {
    const found = targets(valid, () => true);
    const target = found[Math.floor(choice * found.length)];
    if (target) target.node[target.key] = value;
    for (const tree of [valid, root, { resourceType: 'Patient', ...(root as object) }]) {
      const issues = validate(tree);
      expect(issues.length).toBeLessThanOrEqual(100);
      for (const issue of issues) expect(issue.diagnostics).toMatch(/\.$/);
    }
  });
  fc.assert(property, { seed, numRuns: 500 });
});
