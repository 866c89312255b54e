// The operations' definitions are valid, and those under a canonical of R4 say what R4 says: https://hl7.org/fhir/R4/operationdefinition.html

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle, OperationDefinition } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { operationDefinition } from '../../src/operations/operation-definition.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { allOperations } from '../support/all-operations.ts';

const validate = createValidator(loadDefinitions());
const bundle = JSON.parse(readFileSync(path.join(sourceDirectory, 'profiles-resources.json'), 'utf8')) as Bundle;
const published = new Map(
  (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === 'OperationDefinition' ? [[resource.url, resource] as const] : [],
  ),
);
const formal = ({ code, system, type, instance, resource, parameter = [] }: OperationDefinition) => ({
  ...{ code, system, type, instance, resource },
  parameter: parameter.map(({ name, use, min, max, type: kind, documentation = '' }) => ({
    ...{ name, use, min, max, kind },
    // R4's texts have double spaces here and there.
    documentation: documentation.replaceAll(/\s+/g, ' '),
  })),
});
/** Without the texts, which may say what of it is offered. */
const signature = (definition: OperationDefinition) => {
  const { parameter, ...rest } = formal(definition);
  return { ...rest, parameter: parameter.map(({ documentation: _, ...named }) => named) };
};

describe.each(allOperations.map((operation) => [operation.code, operation] as const))('$%s', (_, operation) => {
  const definition = operationDefinition(operation);

  test('is a valid OperationDefinition', () => expect(validate(definition)).toEqual([]));

  test('stands under its canonical only when it offers all of it, else under one of our own with that as its base', () => {
    const { base, url } = operation.definition;
    const original = published.get(base ?? url);
    const isWhole = base === undefined;
    // What R4 does not have, as `$explain`.
    if (!original) expect([base, url]).toEqual([undefined, expect.stringMatching(/^https:\/\/hpms\.example\//)]);
    else if (isWhole) expect(formal(definition)).toEqual(formal(original));
    else {
      expect(definition.url).toMatch(/^https:\/\/hpms\.example\//);
      expect(signature(definition)).not.toEqual(signature(original));
      expect(signature(original).parameter).toEqual(expect.arrayContaining(signature(definition).parameter));
      for (const level of ['system', 'type', 'instance'] as const) {
        expect([level, definition[level] && !original[level]]).toEqual([level, false]);
      }
    }
  });
});

test('ids and URLs are distinct', () => {
  for (const member of ['id', 'url', 'name'] as const) {
    expect(new Set(allOperations.map(({ definition }) => definition[member])).size).toBe(allOperations.length);
  }
});
