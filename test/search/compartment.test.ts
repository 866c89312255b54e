// What is in a compartment: https://hl7.org/fhir/R4/compartmentdefinition.html

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { compartmentParameters, compartmentTypes, inCompartment } from '../../src/search/compartment.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { type CursorBinding, openCursor, sealCursor } from '../../src/search/cursor.ts';
import { searchset } from '../../src/search/result.ts';
import { indexedParameters } from '../../src/search/search-parameters.ts';
import { type Json, randomResource } from '../validation/random-resource.ts';
import { baseUrl, definitions, finds, parse } from './evaluate.ts';

const compartments = ['Patient', 'Practitioner', 'RelatedPerson', 'Device', 'Encounter'];
const memberships = compartments.flatMap((compartment) =>
  compartmentTypes(definitions, compartment).flatMap((type) =>
    (compartmentParameters(definitions, compartment, type) ?? []).map((code) => ({ compartment, type, code })),
  ),
);

const searchIn = (compartment: string, type: string, query = '', id = 'mine') =>
  inCompartment(definitions, parse(type, query), { type: compartment, id });

describe('the tables', () => {
  // https://hl7.org/fhir/R4/compartmentdefinition-patient.html and its four sisters
  test.each([
    ['Patient', 66, 100],
    ['Practitioner', 59, 87],
    ['RelatedPerson', 32, 39],
    ['Device', 33, 49],
    ['Encounter', 25, 24],
  ])('of %s have %i types, its own among them, and %i parameters', (compartment, types, parameters) => {
    expect(compartmentTypes(definitions, compartment)).toHaveLength(types);
    expect(compartmentTypes(definitions, compartment)).toContain(compartment);
    expect(memberships.filter((membership) => membership.compartment === compartment)).toHaveLength(parameters);
  });

  test('name reference parameters that are indexed and may point to the compartment', () => {
    for (const { compartment, type, code } of memberships) {
      const parameter = indexedParameters(definitions, type).get(code);
      expect(parameter).toMatchObject({ kind: 'reference' });
      expect(parameter?.targets).toContain(compartment);
    }
  });

  test.each([
    ['Patient', 'Observation', ['subject', 'performer']],
    ['Patient', 'Patient', ['link']],
    ['Patient', 'AuditEvent', ['patient']],
    ['Patient', 'Organization', undefined],
    ['Practitioner', 'Practitioner', []],
    ['Device', 'Device', []],
    ['Encounter', 'Encounter', []],
    ['Encounter', 'Patient', undefined],
    ['Organization', 'Observation', undefined],
    ['Patient', 'constructor', undefined],
    ['toString', 'Patient', undefined],
  ])('%s, %s: %j', (compartment, type, parameters) => {
    expect(compartmentParameters(definitions, compartment, type)).toEqual(parameters);
  });
});

describe('a resource is in the compartment', () => {
  test('when any of the listed parameters refers to its resource, and by no other reference', () => {
    for (const { compartment, type, code } of memberships) {
      const { resource, reached } = resourceThatRefers(compartment, type, code);
      const query = searchIn(compartment, type);
      const listed = references(compartment, type, resource);
      for (const reference of allReferences(resource)) reference.reference = `${compartment}/mine`;
      for (const reference of listed) reference.reference = `${compartment}/other`;
      expect([type, code, finds(query, resource)]).toEqual([type, code, false]);
      for (const reference of allReferences(resource)) reference.reference = `${compartment}/other`;
      for (const reference of reached) reference.reference = `${compartment}/mine`;
      expect([type, code, finds(query, resource)]).toEqual([type, code, true]);
      expect(finds(searchIn(compartment, type, '', 'min'), resource)).toBe(false);
    }
  });

  test.each([
    ['a version of it', { reference: 'Patient/mine/_history/3' }, true],
    ['the same id of another type', { reference: 'Device/mine' }, false],
    ["another server's", { reference: 'https://other.example/fhir/Patient/mine' }, false],
    ['a contained one', { reference: '#mine' }, false],
    ['an identifier alone (security.md 30)', { type: 'Patient', identifier: { value: 'mine' } }, false],
  ])('as its subject says: %s', (_, subject, isMember) => {
    expect(finds(searchIn('Patient', 'Observation'), { resourceType: 'Observation', subject } as Resource)).toBe(
      isMember,
    );
  });

  test('when it is its own, beside those that refer to it', () => {
    const conditionsOf = (compartment: string) =>
      compileCriteria(searchIn(compartment, compartment).criteria).conditions;
    for (const compartment of ['Practitioner', 'RelatedPerson', 'Device', 'Encounter']) {
      expect(conditionsOf(compartment)).toEqual([{ kind: 'ids', ids: ['mine'] }]);
    }
    expect(conditionsOf('Patient')).toEqual([{ kind: 'tokens', anyOf: [['Patient.link|Patient/mine']], orId: 'mine' }]);
  });

  test('and meets what else is asked', () => {
    const subject = { reference: 'Patient/mine' };
    const observation = { resourceType: 'Observation', status: 'final', subject } as Resource;
    expect(finds(searchIn('Patient', 'Observation', 'status=final'), observation)).toBe(true);
    expect(finds(searchIn('Patient', 'Observation', 'status=amended'), observation)).toBe(false);
  });
});

describe('a search in a compartment', () => {
  test('is a new tree; the one it was made of stays', () => {
    const query = parse('Observation', 'status=final');
    const inside = inCompartment(definitions, query, { type: 'Patient', id: 'mine' });
    expect(query.criteria).toHaveLength(1);
    expect(inside.criteria).toHaveLength(2);
    expect(Object.isFrozen(inside) && Object.isFrozen(inside.criteria)).toBe(true);
  });

  test('is one overlap of tokens, found before it is sorted', () => {
    const { statement } = compileSearch(searchIn('Patient', 'Observation'), { tokenOf: () => 1n });
    expect(statement.text).toMatch(/^WITH anchor AS MATERIALIZED/);
    expect(statement.text.match(/r\.tokens && (\$\d+)::bigint\[\] AND r\.tokens && \1/g)).toHaveLength(1);
    expect(statement.text).not.toMatch(/mine|FROM reference/);
  });

  test('of its own type joins the id by an index too', () => {
    const { statement } = compileSearch(searchIn('Patient', 'Patient'), { tokenOf: () => 1n });
    expect(statement.text).toMatch(/r\.tokens && \S+\) OR r\.type = \$\d+ AND r\.id = \$\d+\)/);
    expect(statement.values).toContain('mine');
  });

  test.each([
    ['Patient', 'Organization', /not in the Patient compartment/],
    ['Encounter', 'Patient', /not in the Encounter compartment/],
    ['Organization', 'Observation', /no Organization compartment/],
  ])('of %s for %s is 404, as what is no end point (http.html#search)', (compartment, type, text) => {
    const search = () => searchIn(compartment, type);
    expect(search).toThrow(text);
    expect(search).toThrow(
      expect.objectContaining({ status: 404, issues: [expect.objectContaining({ code: 'not-supported' })] }),
    );
  });

  test('shows its own URL in its links', () => {
    const query = searchIn('Patient', 'Observation', 'status=final');
    const bundle = JSON.parse(
      searchset({ query, baseUrl, entries: [], total: 0, pages: [{ relation: 'next', cursor: 'x' }] }).toString(),
    );
    expect(bundle.link.map(({ url }: { url: string }) => url)).toEqual([
      `${baseUrl}/Patient/mine/Observation?status=final`,
      `${baseUrl}/Patient/mine/Observation?status=final&_cursor=x`,
    ]);
  });

  test('has cursors of its own', () => {
    const binding = (query: CursorBinding['query']) => ({
      key: Buffer.alloc(32, 7),
      tenantId: 1,
      caller: 'demo',
      query,
      cipher: { seal: (plain: Buffer) => plain, open: (box: Buffer) => box },
    });
    const place = { isBackward: false, position: { id: 'a', keys: [] } };
    const cursor = sealCursor(place, binding(searchIn('Patient', 'Observation')));
    expect(openCursor(cursor, binding(searchIn('Patient', 'Observation', '_count=5')))).toEqual(place);
    for (const query of [
      searchIn('Patient', 'Observation', '', 'other'),
      searchIn('Device', 'Observation'),
      searchIn('Patient', 'Condition'),
      parse('Observation', ''),
    ]) {
      expect(() => openCursor(cursor, binding(query))).toThrow(/cursor/);
    }
  });
});

type Literal = { reference: string };

/** A resource of the type in which the parameter reaches references, if they lead to the compartment. */
function resourceThatRefers(compartment: string, type: string, code: string) {
  for (let seed = 1; seed < 20_000; seed++) {
    const resource = randomResource(definitions, type, seed) as unknown as Resource;
    for (const reference of allReferences(resource)) {
      delete reference.identifier;
      delete reference.type;
      reference.reference = `${compartment}/mine`;
    }
    const reached = read(type, code, resource);
    if (reached.length > 0) return { resource, reached };
  }
  throw new Error(`No resource was made for ${type}.${code}.`);
}

/** All that the listed parameters reach while every reference leads to the compartment. */
function references(compartment: string, type: string, resource: Resource): Literal[] {
  return (compartmentParameters(definitions, compartment, type) ?? []).flatMap((code) => read(type, code, resource));
}

function read(type: string, code: string, resource: Resource): Literal[] {
  return indexedParameters(definitions, type).get(code)?.read(resource) as Literal[];
}

/** Every Reference outside of contained and bundled resources. */
function allReferences(node: unknown): (Literal & Json)[] {
  if (Array.isArray(node)) return node.flatMap(allReferences);
  if (typeof node !== 'object' || node === null) return [];
  const isReference = 'reference' in node && typeof node.reference === 'string';
  const below = Object.entries(node).flatMap(([key, value]) => (key === 'contained' ? [] : allReferences(value)));
  return isReference ? [node as Literal & Json, ...below] : below;
}
