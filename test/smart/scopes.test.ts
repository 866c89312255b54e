// The grammar of SMART scopes and what covers what: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Grant, Permission } from '../../src/access/caller.ts';
import { covers, grantedScopes, grantsOf, MalformedScope, parseScopes } from '../../src/smart/scopes.ts';

const types = ['Patient', 'Observation', 'MedicationRequest'];
const resourceTypes = new Set(types);
const parse = (text: string) => parseScopes(text, resourceTypes);
const seed = { seed: 20_261_120, numRuns: 500 };

const letters: Permission[] = ['c', 'r', 'u', 'd', 's'];
const permissions = fc.subarray(letters, { minLength: 1 }).map((some) => some.join(''));
const scopeText = fc
  .tuple(fc.constantFrom('system', 'user', 'patient'), fc.constantFrom('*', ...types), permissions)
  .map(([context, type, some]) => `${context}/${type}.${some}`);
const scopeList = fc.array(scopeText, { minLength: 1, maxLength: 6 }).map((some) => some.join(' '));

/** Every single right a list of grants gives, spelled out. */
function rightsOf(grants: readonly Grant[]): Set<string> {
  return new Set(
    grants.flatMap(({ context, type, permissions: some }) =>
      (type === '*' ? [...types, '(any other)'] : [type]).flatMap((one) =>
        [...some].map((letter) => `${context}/${one}.${letter}`),
      ),
    ),
  );
}

describe('the grammar', () => {
  test.each([
    ['system/Patient.rs', 'system', 'Patient', 'rs'],
    ['patient/*.cruds', 'patient', '*', 'cruds'],
    ['user/Observation.d', 'user', 'Observation', 'd'],
    ['system/Patient.read', 'system', 'Patient', 'rs'],
    ['system/*.write', 'system', '*', 'cud'],
    ['system/*.*', 'system', '*', 'cruds'],
  ])('%s', (text, context, type, some) => {
    expect(parse(text)).toEqual([{ text, grant: { context, type, permissions: new Set(some) } }]);
  });

  test.each([
    ...['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'offline_access', 'online_access'],
    ...['email', 'address', 'phone'],
    ...['system/Nothing.rs', 'system/Nothing.rs?a=b', 'user/Patient.rs?_has:Observation:patient:code=x'],
    ...['user/Patient.rs?general-practitioner.name=x', 'user/Patient.rs?_sort=name', 'user/List.rs?code:in=x'],
    ...['user/Patient.rs?name=%', 'user/Patient.rs?_filter=x', 'user/Patient.rs?name=x&_count=1'],
  ])('%s is well-formed and gives no right', (text) => {
    expect(parse(text)).toEqual([{ text }]);
  });

  test.each([
    ['patient/Observation.rs?category=a|b', ['category=a|b']],
    ['patient/Observation.rs?status=final&category=http://x/y|b', ['category=http://x/y|b', 'status=final']],
    ['user/*.cruds?_tag=x&_tag=x', ['_tag=x']],
    ['user/Patient.rs?name:exact=%C3%84', ['name:exact=%C3%84']],
  ])('%s is granted with its constraints', (text, constraints) => {
    expect(parse(text)).toMatchObject([{ text, grant: { constraints } }]);
  });

  test.each([
    ...[' ', 'system', 'system/', 'system/Patient', 'system/Patient.', 'system/Patient.x', 'system/Patient.rr'],
    ...['system/Patient.sr', 'system/Patient.rs.', 'system/patient.rs', 'System/Patient.rs', 'system/Patient.RS'],
    ...['system/*.*x', 'system/**.rs', 'system/Pat*.rs', '*/Patient.rs', 'system//Patient.rs', 'x system/Patient.rs'],
    ...['system/Patient.rs ', 'system/Patient.rs  user/Patient.rs', 'system/Patient.rs\tuser/Patient.rs'],
    ...['system/Patient.rs?', 'system/Patient.rs?a', 'system/Patient.read?a=b', 'system/Patient.rs?a=b?c=d'],
    ...['system/Patient.cruds\0', 'launch/', 'launch/../x', 'opénid', '__proto__', 'system/constructor.rs'],
  ])('%j is malformed', (text) => {
    expect(() => parse(text)).toThrow(MalformedScope);
  });

  test('10 kB and 5,000 scopes are refused for their length alone: security.md 32', () => {
    const long = `system/Patient.rs?a=${'b'.repeat(10_000)}`;
    const many = Array.from({ length: 5_000 }, () => 'openid').join(' ');
    const nested = `system/${'A'.repeat(60)}.rs${'?a='.repeat(2_000)}`;
    for (const text of [long, many]) expect(() => parse(text)).toThrow('There are too many scopes.');
    expect(() => parse(nested)).toThrow(MalformedScope);
  });

  test('any list of well-formed scopes is read back as it was written', () => {
    fc.assert(
      fc.property(scopeList, (text) => {
        expect(parse(text).map((scope) => scope.text)).toEqual([...new Set(text.split(' '))]);
      }),
      seed,
    );
  });

  test('any text at all is parsed or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedScope);
        }
      }),
      seed,
    );
  });
});

describe('what is granted', () => {
  test('is never wider than what is registered, and never wider than what is asked: security.md 33', () => {
    fc.assert(
      fc.property(scopeList, scopeList, (asked, registered) => {
        const granted = rightsOf(grantsOf(grantedScopes(parse(asked), parse(registered))));
        const both = rightsOf(grantsOf(parse(asked))).intersection(rightsOf(grantsOf(parse(registered))));
        expect(granted.isSubsetOf(both)).toBe(true);
      }),
      seed,
    );
  });

  test('is everything that is registered word for word', () => {
    fc.assert(
      fc.property(scopeList, (text) => {
        expect(grantedScopes(parse(text), parse(text))).toEqual(parse(text));
      }),
      seed,
    );
  });

  test.each([
    ['system/Observation.rs', 'system/Observation.rs?category=a', true],
    ['system/*.rs', 'system/Observation.rs?category=a&code=b', true],
    ['system/Observation.rs?category=a', 'system/Observation.rs?category=a', true],
    ['system/Observation.rs?category=a&code=b', 'system/Observation.rs?code=b&category=a', true],
    ['system/Observation.rs?category=a', 'system/Observation.rs?category=a&code=b', true],
    ['system/Observation.rs?category=a', 'system/Observation.rs', false],
    ['system/Observation.rs?category=a', 'system/Observation.rs?category=b', false],
    ['system/Observation.rs?category=a&code=b', 'system/Observation.rs?category=a', false],
    ['system/Observation.r system/Observation.s?category=a', 'system/Observation.rs', false],
    ['system/Observation.r system/Observation.s?category=a', 'system/Observation.rs?category=a', true],
  ])('registered %s, asked %s: %s', (registered, asked, isGranted) => {
    expect(grantedScopes(parse(asked), parse(registered))).toHaveLength(isGranted ? 1 : 0);
  });

  test('is asked for again by what was granted: the answer is a valid request', () => {
    fc.assert(
      fc.property(scopeList, scopeList, (asked, registered) => {
        const granted = grantedScopes(parse(asked), parse(registered));
        if (granted.length === 0) return;
        expect(grantedScopes(parse(granted.map(({ text }) => text).join(' ')), parse(registered))).toEqual(granted);
      }),
      seed,
    );
  });

  test('covers: rights of several registered scopes add up, a wildcard is covered by wildcards only', () => {
    const registered = grantsOf(parse('system/Patient.r system/*.s user/*.cruds'));
    const ask = (text: string) => covers(registered, parse(text)[0]!.grant!);
    expect(ask('system/Patient.rs')).toBe(true);
    expect(ask('system/Observation.s')).toBe(true);
    expect(ask('system/*.s')).toBe(true);
    expect(ask('system/*.rs')).toBe(false);
    expect(ask('system/Observation.rs')).toBe(false);
    expect(ask('patient/Patient.r')).toBe(false);
  });
});
