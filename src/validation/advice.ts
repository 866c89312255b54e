// What R4 advises and does not demand: codes of extensible and preferred bindings, texts that say something:
// https://hl7.org/fhir/R4/terminologies.html#extensible and https://hl7.org/fhir/R4/datatypes.html#string

import type { Definitions, Property } from '../fhir/definitions.ts';
import { memberTest } from './coded-check.ts';
import type { DetailedIssue } from './details.ts';
import { describeCode } from './found.ts';
import { IssueList } from './issue-list.ts';
import type { Surroundings } from './profiles/run.ts';

/**
 * Warnings, for resources whose structure holds; whether another code fits is for people to say. A text alone is no fault of an
 * extensible binding, and neither is a value set that is not known here. Languages are bound by their grammar instead.
 */
export function adviceOf(definitions: Definitions, resource: object): readonly DetailedIssue[] {
  return advise(definitions, resource, (valueSet) => {
    const members = definitions.advisedValueSet(valueSet);
    return members && { hasCode: (code) => members.codes.has(code), hasCoding: memberTest(members) };
  });
}

/** Of the bindings that `adviceOf` cannot tell of, as far as `isMember` can. */
export function openAdviceOf(
  definitions: Definitions,
  resource: object,
  isMember: NonNullable<Surroundings['isMember']>,
): readonly DetailedIssue[] {
  const issues = advise(definitions, resource, (valueSet) => {
    if (definitions.advisedValueSet(valueSet)) return undefined;
    return {
      hasCode: (code) => isMember(valueSet, { code }) !== false,
      hasCoding: ({ system, code }) =>
        typeof system !== 'string' || typeof code !== 'string' || isMember(valueSet, { system, code }) !== false,
    };
  });
  return issues.filter(({ code }) => code === 'code-invalid');
}

interface MemberTests {
  /** Of an element that is a code alone. */
  readonly hasCode: (code: string) => boolean;
  readonly hasCoding: ReturnType<typeof memberTest>;
}

/** `testsOf` gives nothing for value sets that nobody can tell of. */
function advise(
  definitions: Definitions,
  resource: object,
  testsOf: (valueSet: string) => MemberTests | undefined,
): readonly DetailedIssue[] {
  const list = new IssueList();
  visitResource(resource, undefined);
  return list.issues;

  function visitResource(node: object, path: string | undefined): void {
    const { resourceType } = node as { readonly resourceType?: unknown };
    if (typeof resourceType === 'string') visit(node, resourceType, path ?? resourceType);
  }

  function visit(node: object, typeName: string, path: string): void {
    const properties = definitions.properties(typeName);
    for (const [key, value] of Object.entries(node)) {
      if (list.isFull) return;
      const property = properties.get(key.startsWith('_') ? key.slice(1) : key);
      if (!property || value === null || value === undefined) continue;
      const type = key.startsWith('_') ? 'Element' : property.type.code;
      const place = `${path}.${property.element.name}`;
      if (!Array.isArray(value)) visitValue(value, type, property, place);
      else for (const [index, item] of value.entries()) visitValue(item, type, property, `${place}[${index}]`);
    }
  }

  function visitValue(value: unknown, type: string, property: Property, path: string): void {
    if (type !== 'Element') adviseCode(value, property, path);
    if (typeof value === 'string' && value !== '' && value.length < longText && value.trim() === '') adviseText(path);
    if (typeof value !== 'object' || value === null) return;
    if (type === 'Resource') visitResource(value, path);
    else visit(value, type, path);
  }

  /** "Strings should always contain non-whitespace content": where it is trimmed, nothing is left. */
  function adviseText(path: string): void {
    const diagnostics = `${path} should say something; found only white space.`;
    list.add({ severity: 'warning', code: 'value', diagnostics, path });
  }

  function adviseCode(value: unknown, { element, type }: Property, path: string): void {
    const { strength, valueSet } = element.binding ?? {};
    if ((strength !== 'extensible' && strength !== 'preferred') || valueSet === undefined) return;
    const tests = valueSet === languages ? undefined : testsOf(valueSet);
    const misfit = tests && misfitOf(value, type.code, tests);
    if (misfit === undefined) return;
    const kind = strength === 'extensible' ? 'should be' : 'is preferably';
    const diagnostics = `${path} ${kind} a code of ${valueSet} (${strength} binding); found ${misfit}.`;
    list.add({ severity: 'warning', code: 'code-invalid', diagnostics, path });
  }
}

const longText = 10_000;
const languages = 'http://hl7.org/fhir/ValueSet/languages';

/** What was found where no code is of the value set; undefined where one is, or none is given. */
function misfitOf(value: unknown, type: string, { hasCode, hasCoding }: MemberTests): string | undefined {
  if (typeof value === 'string') return hasCode(value) ? undefined : describeCode(value);
  const { coding, code, system } = value as Readonly<Record<'coding' | 'code' | 'system', unknown>>;
  if (type === 'Coding') return code === undefined || hasCoding({ system, code }) ? undefined : describeCode(code);
  if (type !== 'CodeableConcept' || !Array.isArray(coding) || coding.length === 0 || coding.some(hasCoding))
    return undefined;
  return coding.length === 1 ? describeCode(coding[0].code) : `${coding.length} other codings`;
}
