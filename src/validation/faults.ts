// The sentence and the codes for a member that its schema refuses: https://hl7.org/fhir/R4/valueset-issue-type.html

import type { Definitions, Property } from '../fhir/definitions.ts';
import type { IssueCode } from '../fhir/outcome.ts';
import { grammarOf, grammarOfSystem, ucumSystem } from '../terminology/code-grammars.ts';
import type { MessageCode } from './details.ts';
import { describeCode, describeDate, describeFound, describeUnit } from './found.ts';
import { narrativeFault } from './narrative.ts';
import { primitives } from './primitives.ts';
import type { LiteralFault, ReferenceChecks } from './reference-checks.ts';
import { isObject, type TypeChecks } from './type-checks.ts';

/** `keyword` found `value` wrong; `rule` reads on after the element's path. */
export function faultOf(
  { definitions, references }: TypeChecks,
  keyword: string,
  property: Property,
  value: unknown,
): Fault {
  if (keyword === 'aligned') {
    return structure('may have null only where an extension stands at the same place of its _name');
  }
  if (value === null) return structure('must not be null; leave out what is not there');
  if (keyword === 'minItems') return structure('must not be an empty array; leave out what is not there');
  if (keyword === 'type') return structure(`must be an array, for it may repeat; found ${describeFound(value)}`);
  if (Array.isArray(value)) return structure('must not be an array, for it does not repeat');
  if (keyword === 'primitive') return primitiveFault(definitions, property, value);
  if (!isObject(value)) return structure(`must be a JSON object; found ${describeFound(value)}`);
  if (keyword === 'resource') return structure('must not contain resources itself (dom-2)');
  if (keyword === 'absolute') return extensionUrlFault;
  if (keyword === 'coded') return codedFault(definitions, property, value);
  return targetFault(property, value, references);
}

export interface Fault {
  readonly code: IssueCode;
  readonly rule: string;
  readonly message?: MessageCode;
}

function structure(rule: string): Fault {
  return { code: 'structure', rule, message: 'MSG_BAD_SYNTAX' };
}

/** Only extensions within an extension may be named by one word: https://hl7.org/fhir/R4/extensibility.html#Extension */
const extensionUrlFault: Fault = {
  code: 'value',
  rule: 'must have an absolute URL, that of the StructureDefinition that defines it',
};

function primitiveFault(definitions: Definitions, { element, type }: Property, value: unknown): Fault {
  const primitive = primitives[element.isAttribute && type.code === 'string' ? 'elementId' : type.code];
  if (!primitive || typeof value !== primitive.json) {
    return structure(`must be ${kinds[primitive?.json ?? 'string']}; found ${describeFound(value)}`);
  }
  if (!primitive.matches(value)) return syntaxFault(type.code, value, primitive.syntax);
  const { valueSet, strength } = element.binding ?? { valueSet: '', strength: 'example' };
  const grammar = grammarOf(valueSet, strength);
  if (grammar) return { code: 'code-invalid', rule: `must be ${grammar.syntax}; found ${describeCode(value)}` };
  return {
    code: 'code-invalid',
    rule: `must be a code of ${valueSet}${someCodes(definitions, valueSet)}; found ${describeCode(value)}`,
  };
}

/** As JSON and XML both can have them. */
const kinds = { string: 'a text', number: 'a number', boolean: 'true or false' } as const;

function syntaxFault(type: string, value: unknown, syntax: string): Fault {
  if (type === 'xhtml') return narrativeFaultOf(value as string);
  const found = dateTypes.has(type) ? describeDate(value as string, type) : describeFound(value);
  const rule = `must be ${syntax}; found ${found}`;
  if (type === 'id')
    return { code: 'value', rule, message: (value as string).length > 64 ? 'MSG_ID_TOO_LONG' : 'MSG_ID_INVALID' };
  return { code: 'value', rule, message: dateTypes.has(type) ? 'MSG_DATE_FORMAT' : 'MSG_BAD_FORMAT' };
}

const dateTypes: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant']);

function narrativeFaultOf(xhtml: string): Fault {
  const rule = narrativeFault(xhtml) ?? 'must be an XHTML div of at most 1,048,576 characters';
  const code = /\(txt-[12]\)$/.test(rule) ? 'invariant' : 'structure';
  return {
    code,
    rule,
    message: rule.includes('xmlns') || rule.includes('namespace') ? 'MSG_WRONG_NS' : 'MSG_BAD_SYNTAX',
  };
}

function codedFault(definitions: Definitions, { element }: Property, value: object): Fault {
  const valueSet = element.binding?.valueSet ?? '';
  const grammar = grammarOf(valueSet, 'required');
  const systems = definitions.valueSet(valueSet)?.systems ?? [];
  const listed = `a coding of ${valueSet} (system ${systems.join(' or ')})${someCodes(definitions, valueSet)}`;
  const expected = grammar ? `a coding of system ${grammar.system}, ${grammar.syntax}` : listed;
  const { coding, code } = value as { readonly coding?: unknown; readonly code?: unknown };
  const codes = (Array.isArray(coding) ? coding : [{ code }]).map((one) =>
    isObject(one) ? (one as { code?: unknown }).code : undefined,
  );
  const found = codes.length === 1 ? describeCode(codes[0]) : `${codes.length} others`;
  return { code: 'code-invalid', rule: `must be ${expected}; found ${codes[0] === undefined ? 'no code' : found}` };
}

/** Longer lists of codes help nobody. */
const namedCodesMax = 12;

function someCodes(definitions: Definitions, valueSet: string): string {
  const codes = [...(definitions.valueSet(valueSet)?.codes ?? [])];
  return codes.length === 0 || codes.length > namedCodesMax ? '' : `: ${codes.join(', ')}`;
}

function targetFault({ type }: Property, value: object, references: ReferenceChecks): Fault {
  const targets = type.targets ?? [];
  return {
    code: 'value',
    rule: `must refer to a resource of type ${targets.join(' or ')}; found ${references.typeOutside(value, new Set(targets))}`,
    message: 'MSG_RESOURCE_TYPE_MISMATCH',
  };
}

/** Of a whole Reference, with the element of it that is wrong. */
export function literalFaultOf(fault: LiteralFault): Fault & { readonly element: string } {
  if (fault === 'type') {
    return {
      element: 'type',
      code: 'code-invalid',
      rule: 'must be a resource type of R4',
      message: 'MSG_UNKNOWN_TYPE',
    };
  }
  if (fault === 'mismatch') {
    return {
      element: 'type',
      code: 'value',
      rule: 'must be the type that the reference itself names',
      message: 'MSG_RESOURCE_TYPE_MISMATCH',
    };
  }
  return {
    element: 'reference',
    code: 'value',
    rule:
      fault === 'condition'
        ? 'must be Type/id, an absolute URL, a URN or #id: only a transaction resolves references by criteria'
        : 'must be Type/id of a resource type of R4, an absolute URL, a URN or #id',
    message: 'MSG_BAD_FORMAT',
  };
}

/** Of a whole Coding or Quantity: its code does not follow the grammar of its system. */
export function grammarFaultOf(node: Readonly<Record<string, unknown>>): Fault {
  const grammar = grammarOfSystem(String(node.system));
  const describe = node.system === ucumSystem ? describeUnit : describeCode;
  return { code: 'code-invalid', rule: `must be ${grammar?.syntax}; found ${describe(node.code)}` };
}
