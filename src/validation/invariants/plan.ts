// What is to be tested at each node of a type, and which of its children are to be visited: https://hl7.org/fhir/R4/elementdefinition.html

import { constraintErrata, profileConstraints } from '../../fhir/definitions/constraint-errata.ts';
import type { Constraint, ElementDefinition } from '../../fhir/definitions/snapshot.ts';
import type { Definitions, Property } from '../../fhir/definitions.ts';
import { type Check, type CheckFactory, createCheckFactory } from './check.ts';

export interface Plan {
  readonly checks: readonly Check[];
  /** By the names in JSON; without prototype, so that only what is here is found. */
  readonly children: Readonly<Record<string, ChildPlan>>;
}

export interface ChildPlan {
  /** For the expression: `value` of `valueQuantity`. */
  readonly name: string;
  /** Of the element itself, beside those of its type. */
  readonly checks: readonly Check[];
  /** Undefined for a primitive's value. */
  readonly type: string | undefined;
  readonly resource: 'contained' | 'own' | undefined;
  /** Of the type, once it was needed. */
  plan?: Plan;
}

/**
 * Proven by the structure before: ele-1 and ext-1 (neither empty nor doubled), dom-2 (nothing contained in contained), txt-1
 * and txt-2 (XHTML), ref-1 (a local reference leads to a contained resource).
 */
const provenByStructure: ReadonlySet<string> = new Set(['ele-1', 'ext-1', 'dom-2', 'txt-1', 'txt-2', 'ref-1']);

/** The narrative of a container speaks for what it contains: https://hl7.org/fhir/R4/references.html#contained */
const notInContained: ReadonlySet<string> = new Set(['dom-6']);

export class Plans {
  readonly #definitions: Definitions;
  readonly #createCheck: CheckFactory;
  readonly #plans = new Map<string, Plan>();
  readonly #containedPlans = new Map<string, Plan>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
    this.#createCheck = createCheckFactory(definitions);
  }

  /** Of a resource, datatype or backbone element. */
  ofType(type: string): Plan {
    const known = this.#plans.get(type);
    if (known) return known;
    const plan = { checks: this.#checksOfType(type), children: this.#childrenOf(type) };
    this.#plans.set(type, plan);
    return plan;
  }

  ofContained(type: string): Plan {
    const known = this.#containedPlans.get(type);
    if (known) return known;
    const { checks, children } = this.ofType(type);
    const plan = { checks: checks.filter(({ key }) => !notInContained.has(key)), children };
    this.#containedPlans.set(type, plan);
    return plan;
  }

  #checksOfType(type: string): Check[] {
    const constraints: Constraint[] = [];
    for (let base: string | undefined = type; base !== undefined; ) {
      const definition = this.#definitions.typeDefinition(base);
      constraints.push(...(definition?.constraints ?? []));
      base = definition?.base;
    }
    return this.#checks(constraints, type);
  }

  #checks(constraints: readonly Constraint[], type: string): Check[] {
    return constraints
      .filter(({ key }) => !provenByStructure.has(key))
      .map((constraint) => {
        const expression = constraintErrata.get(constraint.expression)?.expression ?? constraint.expression;
        return this.#createCheck({ ...constraint, expression }, type);
      });
  }

  #childrenOf(type: string): Record<string, ChildPlan> {
    const children: Record<string, ChildPlan> = Object.create(null);
    for (const [jsonName, property] of this.#definitions.properties(type)) {
      const child = this.#childOf(property, type);
      if (child.type !== undefined || child.resource !== undefined || child.checks.length > 0) {
        children[jsonName] = child;
      }
      const { isAttribute } = property.element;
      if (!property.isPrimitive || isAttribute) continue;
      children[`_${jsonName}`] = { name: property.element.name, checks: [], type: 'Element', resource: undefined };
    }
    return children;
  }

  #childOf({ element, type, isPrimitive }: Property, parent: string): ChildPlan {
    const isResource = type.code === 'Resource';
    const resource = element.name === 'contained' && this.#definitions.resourceTypes.has(parent) ? 'contained' : 'own';
    return {
      name: element.name,
      checks: this.#checks(constraintsOf(element, type.profile), type.code),
      type: isPrimitive || isResource ? undefined : type.code,
      resource: isResource ? resource : undefined,
    };
  }
}

/** With those of the datatype profile the element asks for. */
function constraintsOf({ constraints = [] }: ElementDefinition, profile: string | undefined): readonly Constraint[] {
  const ofProfile = profile === undefined ? undefined : profileConstraints.get(profile);
  return ofProfile ? [...constraints, ofProfile] : constraints;
}
