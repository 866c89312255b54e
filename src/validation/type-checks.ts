// One compiled check per FHIR type, made when a resource first needs it and shared by all types: https://ajv.js.org

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Definitions } from '../fhir/definitions.ts';
import { addFhirKeywords, type Check, type Checks } from './keywords.ts';
import { primitives } from './primitives.ts';
import { presenceSchema, shapeSchema } from './type-schema.ts';

/** The schemas are our own; Ajv's optimiser takes twice the time and memory and makes nothing faster here. */
const ajvOptions = { messages: false, validateSchema: false, meta: false, code: { optimize: false } } as const;

/** Safe to share in one process: a check runs to its end before another starts. */
export class TypeChecks implements Checks {
  readonly resource: Check = { matches: (value) => this.matchesResource(value) };
  readonly contained: Check = {
    matches: (value) => isObject(value) && !('contained' in value) && this.matchesResource(value),
  };
  /** While a fault is being explained, an object within an object counts as right: it is looked into on its own. */
  isShallow = false;
  private readonly definitions: Definitions;
  private readonly types = new Map<string, TypeCheck>();
  private readonly codes = new Map<string, Check>();
  /** Stops at the first error, so that a body with a million faults costs no more than one with none. */
  private readonly shapes = new Ajv(ajvOptions);
  /** Finds all errors: there are never more than the type has elements. */
  private readonly presences = new Ajv({ ...ajvOptions, allErrors: true });

  constructor(definitions: Definitions) {
    this.definitions = definitions;
    addFhirKeywords(this.shapes, this);
    addFhirKeywords(this.presences, this);
  }

  datatype(name: string): TypeCheck {
    const known = this.types.get(name);
    if (known) return known;
    const check = new TypeCheck(this, name);
    this.types.set(name, check);
    return check;
  }

  primitive(type: string, valueSet: string | undefined): Check {
    const primitive = primitives[type];
    if (!primitive) throw new TypeError(`${type} is no primitive type of FHIR R4.`);
    const codes = valueSet === undefined ? undefined : this.definitions.valueSet(valueSet)?.codes;
    if (valueSet === undefined || !codes) return primitive;
    const known = this.codes.get(valueSet);
    if (known) return known;
    const check: Check = { matches: (value) => codes.has(value as string) };
    this.codes.set(valueSet, check);
    return check;
  }

  compile(name: string): CompiledType {
    const type = this.definitions.typeDefinition(name);
    if (!type) throw new TypeError(`${name} is no type of FHIR R4.`);
    return {
      shape: this.shapes.compile(shapeSchema(this.definitions, type)),
      presence: this.presences.compile(presenceSchema(this.definitions, type)),
    };
  }

  private matchesResource(value: unknown): boolean {
    if (!isObject(value)) return false;
    if (this.isShallow) return true;
    const type = (value as { resourceType?: unknown }).resourceType;
    return typeof type === 'string' && this.definitions.resourceTypes.has(type) && this.datatype(type).matches(value);
  }
}

interface CompiledType {
  readonly shape: ValidateFunction;
  readonly presence: ValidateFunction;
}

/** Compiles on first use, so a server that never sees a Questionnaire never pays for one. */
export class TypeCheck implements Check {
  readonly name: string;
  private readonly checks: TypeChecks;
  private compiled: CompiledType | undefined;

  constructor(checks: TypeChecks, name: string) {
    this.checks = checks;
    this.name = name;
  }

  matches(value: unknown): boolean {
    if (this.checks.isShallow) return isObject(value);
    const { shape, presence } = this.functions();
    return shape(value, noContext) && presence(value, noContext);
  }

  /** The first thing wrong with these members, by the keyword that found it. */
  memberError(members: object): ErrorObject | undefined {
    const { shape } = this.functions();
    return shape(members, noContext) ? undefined : shape.errors?.[0];
  }

  /** Everything missing from this object, or too much in it. */
  presenceErrors(node: object): readonly ErrorObject[] {
    const { presence } = this.functions();
    return presence(node, noContext) ? [] : (presence.errors ?? []);
  }

  private functions(): CompiledType {
    this.compiled ??= this.checks.compile(this.name);
    return this.compiled;
  }
}

/** Given once, it spares an object per call: the paths in it are never read. */
const noContext = {
  instancePath: '',
  parentData: {},
  parentDataProperty: '',
  rootData: {},
  dynamicAnchors: {},
};

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
