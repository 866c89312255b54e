// Every definition of fhir-profiles is valid, is used by an example, and refuses what it should: domain.md, contract.md.

import { describe, expect, test } from '@jest/globals';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { compilePath } from '../../../src/fhir/fhirpath/compile.ts';
import { checkResource } from '../../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../../src/validation/profiles/registry.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { auditExamples } from './audit-examples.ts';
import { shortly } from './check.ts';
import { examples as ownExamples } from './own-examples.ts';

const examples = { ...ownExamples, ...auditExamples };
const definitions = loadDefinitions();
const validate = createValidator(definitions);
const own = ownDefinitions();
const registry = createRegistry(definitions, own);
const structures = own.structures.map(({ resource }) => resource);
const profiles = structures.filter(({ type }) => type !== 'Extension');
const extensions = structures.filter(({ type }) => type === 'Extension');

describe('each definition', () => {
  test('is valid by R4 and has its own canonical', () => {
    const all = [...structures, ...own.valueSets, ...own.codeSystems, ...own.searchParameters];
    expect(all.flatMap((resource) => validate(resource))).toEqual([]);
    expect(new Set(all.map(({ url }) => url)).size).toBe(all.length);
    const isNamed = ({ url, resourceType, id }: (typeof all)[number]) => {
      const canonical = `https://hpms.example/fhir/${resourceType}`;
      return url === `${canonical}/${id}` || url === `${canonical}/${id?.replace(/^hpms-/, '')}`;
    };
    expect(all.filter((one) => !isNamed(one))).toEqual([]);
  });

  test('has an id that leaves all others to the tenants, but search parameters, which are named as those of R4', () => {
    const named = [...structures, ...own.valueSets, ...own.codeSystems];
    expect(named.filter(({ id }) => !id?.startsWith('hpms-'))).toEqual([]);
    expect(own.searchParameters.filter(({ id, base }) => !base?.some((type) => id?.startsWith(`${type}-`)))).toEqual(
      [],
    );
  });

  test.each(structures.map((structure) => [structure.id, structure] as const))(
    '%s generates and compiles without a problem',
    (_, structure) => {
      const compiled = registry.compiler.get(structure.url);
      expect(compiled?.issues).toBeUndefined();
      expect(compiled?.profile && compiled.problems).toEqual([]);
    },
  );

  test.each(own.searchParameters.map((parameter) => [parameter.id, parameter] as const))(
    '%s has an expression that reaches elements',
    (_, parameter) => {
      for (const base of parameter.base ?? []) {
        expect(compilePath(parameter.expression ?? '', base, definitions).elements?.length).toBeGreaterThan(0);
      }
    },
  );

  test('every value set lists codes of systems that are known', () => {
    for (const { url, compose } of own.valueSets) {
      const [include] = compose?.include ?? [];
      const code =
        include?.concept?.[0]?.code ??
        own.codeSystems.find((system) => system.url === include?.system)?.concept?.[0]?.code;
      expect([url, registry.isMember(url ?? '', { system: include?.system ?? '', code: code ?? '' })]).toEqual([
        url,
        true,
      ]);
      expect(registry.isMember(url ?? '', { code: 'no such code' })).toBe(false);
    }
  });
});

describe('each profile', () => {
  test('has its examples', () => {
    expect(Object.keys(examples).sort()).toEqual(profiles.map(({ id }) => id).sort());
  });

  const urlOf = (id: string) => profiles.find((profile) => profile.id === id)?.url ?? '';

  describe.each(Object.entries(examples))('%s', (id, { valid, invalid }) => {
    test('takes its example, which R4 takes too', () => {
      expect(validate(valid)).toEqual([]);
      expect(checkResource(registry, valid, { profiles: [urlOf(id)] })).toEqual([]);
    });

    test('refuses at least three', () => {
      expect(invalid.length).toBeGreaterThanOrEqual(3);
    });

    test.each(invalid)('refuses %j', (change, issue) => {
      const resource = JSON.parse(JSON.stringify({ ...valid, ...change })) as object;
      expect(checkResource(registry, resource, { profiles: [urlOf(id)] }).map(shortly)).toContain(issue);
    });
  });
});

describe('each extension', () => {
  const valueElement = (structure: StructureDefinition) =>
    elementsOf(structure).find(({ id }) => id === 'Extension.value[x]');
  const elementsOf = (structure: StructureDefinition) => structure.differential?.element ?? [];
  const isSimple = (structure: StructureDefinition) => valueElement(structure)?.max !== '0';

  /** A resource of the type of its first context, which is a resource in all but two. */
  const holder = ({ url, context }: StructureDefinition, value: object) => {
    const [type = '', element, part] = context?.[0]?.expression?.split('.') ?? [];
    const extension = { extension: [{ url, ...value }] };
    if (element === undefined) return { resourceType: type, ...extension };
    const held = part === undefined ? extension : { [part]: extension };
    return { resourceType: type, ...(element === 'total' ? { _total: extension } : { [element]: [held] }) };
  };
  const issues = (resource: object) => checkResource(registry, resource).map(({ code }) => code);

  test.each(extensions.filter(isSimple).map((one) => [one.id, one] as const))(
    '%s has one value of its type, stands in its place and has no parts',
    (_, structure) => {
      const [type] = valueElement(structure)?.type ?? [];
      const key = `value${type?.code?.charAt(0).toUpperCase()}${type?.code?.slice(1)}`;
      const valueSet = valueElement(structure)?.binding?.valueSet;
      const system = own.valueSets.find(({ url }) => url === valueSet)?.compose?.include?.[0]?.system;
      const code = own.codeSystems.find(({ url }) => url === system)?.concept?.[0]?.code;
      const value = type?.code === 'code' ? (code ?? 'x') : {};
      expect(issues(holder(structure, { [key]: value }))).toEqual([]);
      expect(issues(holder(structure, {}))).toEqual(['required']);
      expect(issues(holder(structure, { [key]: value, extension: [{ url: 'x', valueCode: 'x' }] }))).toEqual([
        'structure',
      ]);
      expect(issues(holder(structure, { valueAge: {} }))).toContain('structure');
      expect(issues({ resourceType: 'Practitioner', extension: [{ url: structure.url, [key]: value }] })).toEqual([
        'extension',
      ]);
    },
  );

  test.each(extensions.filter((one) => !isSimple(one)).map((one) => [one.id, one] as const))(
    '%s has its parts, no others, and no value',
    (_, structure) => {
      const unknown = { extension: [{ url: 'no-such-part', valueString: 'x' }] };
      expect(issues(holder(structure, unknown))).toContain('structure');
      expect(issues(holder(structure, { valueString: 'x' }))).toContain('structure');
      expect(issues({ resourceType: 'Practitioner', extension: [{ url: structure.url }] })).toContain('extension');
    },
  );
});
