// Members that most objects of a type do not have: https://hl7.org/fhir/R4/json.html#primitive and https://hl7.org/fhir/R4/formats.html#choice

import type { ErrorObject, ValidateFunction } from 'ajv';
import { callContext } from './call-context.ts';

/**
 * Ajv asks an object for each property of its schema in turn; an Extension could have 104, and has two. So the extensions of
 * primitives and the variants of choices are found from the object's own members instead, and compiled when they are first met.
 */
export class SeldomMembers {
  private readonly schemas: Readonly<Record<string, object>>;
  private readonly compile: (schema: object) => ValidateFunction;
  /** With a function for those of `schemas` that were met. */
  private readonly known: Map<string, ValidateFunction | 'usual' | 'new'>;

  constructor({ usual, schemas }: SeldomSchema, compile: (schema: object) => ValidateFunction) {
    this.schemas = schemas;
    this.compile = compile;
    this.known = new Map([
      ...Object.keys(schemas).map((key) => [key, 'new'] as const),
      ...usual.map((key) => [key, 'usual'] as const),
    ]);
  }

  /** The first of them that is wrong, or a member that the type does not have at all. */
  fault(node: Readonly<Record<string, unknown>>): SeldomFault | undefined {
    for (const key in node) {
      const found = this.known.get(key);
      if (found === 'usual') continue;
      if (found === undefined) return { keyword: 'additionalProperties', instancePath: '', params: {} };
      const value = node[key];
      const validate = found === 'new' ? this.compileMember(key) : found;
      if (value === undefined || validate(value, callContext)) continue;
      const { keyword = '', params = {}, instancePath = '' } = validate.errors?.[0] ?? {};
      return { keyword, params, instancePath: `/${key}${instancePath}` };
    }
    return undefined;
  }

  private compileMember(key: string): ValidateFunction {
    const validate = this.compile(this.schemas[key] as object);
    this.known.set(key, validate);
    return validate;
  }
}

export interface SeldomSchema {
  /** The members that are none of these. */
  readonly usual: readonly string[];
  readonly schemas: Readonly<Record<string, object>>;
}

export type SeldomFault = Pick<ErrorObject, 'keyword' | 'instancePath' | 'params'>;
