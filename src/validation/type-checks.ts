// One compiled check per FHIR type, made when a resource first needs it and shared by all types: https://ajv.js.org

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Definitions, ValueSetMembers } from '../fhir/definitions.ts';
import { type CodeGrammar, grammarOf } from '../terminology/code-grammars.ts';
import { callContext } from './call-context.ts';
import { codedCheck } from './coded-check.ts';
import { addFhirKeywords, type Check, type Checks } from './keywords.ts';
import { primitives } from './primitives.ts';
import { type ContainerNode, haveOwnIds, ReferenceChecks } from './reference-checks.ts';
import { type SeldomFault, SeldomMembers, type SeldomSchema } from './seldom-members.ts';
import { presenceSchema, shapeSchema } from './type-schema.ts';

/** The schemas are our own; Ajv's optimiser takes twice the time and memory and makes nothing faster here. */
const ajvOptions = { messages: false, validateSchema: false, meta: false, code: { optimize: false } } as const;

/** Safe to share in one process: a check runs to its end before another starts. */
export class TypeChecks implements Checks {
  readonly resource: Check = { matches: (value) => this.matchesWhole(value) };
  readonly contained: Check = {
    matches: (value) => isObject(value) && !('contained' in value) && this.matchesResource(value),
  };
  readonly references: ReferenceChecks;
  /** While a fault is being explained, an object within an object counts as right: it is looked into on its own. */
  isShallow = false;
  readonly definitions: Definitions;
  private readonly types = new Map<string, TypeCheck>();
  private readonly codes = new Map<string, Check>();
  /** Stops at the first error, so that a body with a million faults costs no more than one with none. */
  private readonly shapes = new Ajv(ajvOptions);
  /** Finds all errors: there are never more than the type has elements. */
  private readonly presences = new Ajv({ ...ajvOptions, allErrors: true });

  constructor(definitions: Definitions) {
    this.definitions = definitions;
    this.references = new ReferenceChecks(definitions.resourceTypes);
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
    return valueSet === undefined ? primitive : this.codeCheck(valueSet);
  }

  coded(valueSet: string): Check {
    return codedCheck(this.codesOf(valueSet));
  }

  seldom(schema: SeldomSchema): SeldomMembers {
    return new SeldomMembers(schema, (member) => this.shapes.compile(member));
  }

  referenceTo(targets: readonly string[]): Check {
    return this.references.referenceTo(targets);
  }

  get literal(): Check {
    return this.references.literal;
  }

  /** One for all elements with the same value set. */
  private codeCheck(valueSet: string): Check {
    const known = this.codes.get(valueSet);
    if (known) return known;
    const members = this.codesOf(valueSet);
    const check: Check =
      'codes' in members
        ? { matches: (value) => members.codes.has(value as string) }
        : { matches: (value) => primitives.code?.matches(value) === true && members.matches(value as string) };
    this.codes.set(valueSet, check);
    return check;
  }

  private codesOf(valueSet: string): ValueSetMembers | CodeGrammar {
    const codes = this.definitions.valueSet(valueSet) ?? grammarOf(valueSet, 'required');
    if (!codes) throw new TypeError(`The codes of ${valueSet} are not known.`);
    return codes;
  }

  compile(name: string): CompiledType {
    const type = this.definitions.typeDefinition(name);
    if (!type) throw new TypeError(`${name} is no type of FHIR R4.`);
    return {
      shape: this.shapes.compile(shapeSchema(this.definitions, type)),
      presence: this.presences.compile(presenceSchema(this.definitions, type)),
    };
  }

  /** Not part of another: what it refers to by `#id` is contained in it. */
  private matchesWhole(value: unknown): boolean {
    const { references } = this;
    const count = references.localCount;
    const outer = references.enter(value);
    const matches = this.matchesResource(value) && (this.isShallow || haveOwnIds((value as ContainerNode).contained));
    references.leave(outer);
    const isResolved = references.resolveLocal((value ?? {}) as ContainerNode, count);
    return matches && isResolved;
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
    return shape(value, callContext) && presence(value, callContext);
  }

  /** The first thing wrong with these members, by the keyword that found it. */
  memberError(members: object): SeldomFault | undefined {
    const { shape } = this.functions();
    if (shape(members, callContext)) return undefined;
    const error = shape.errors?.[0];
    return error?.keyword === 'seldom' ? (error.params as { fault: SeldomFault }).fault : error;
  }

  /** Everything missing from this object, or too much in it. */
  presenceErrors(node: object): readonly ErrorObject[] {
    const { presence } = this.functions();
    return presence(node, callContext) ? [] : (presence.errors ?? []);
  }

  private functions(): CompiledType {
    this.compiled ??= this.checks.compile(this.name);
    return this.compiled;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
