// The invariants of R4's definitions as compiled functions, errors and warnings: https://hl7.org/fhir/R4/conformance-rules.html#constraints

import type { Definitions } from '../../fhir/definitions.ts';
import { type ExactTexts, exactTexts } from '../../fhir/fhirpath/exact-texts.ts';
import type { Node } from '../../fhir/fhirpath/flat/flat-part.ts';
import { Steps } from '../../fhir/fhirpath/places.ts';
import type { Issue } from '../../fhir/outcome.ts';
import type { Check } from './check.ts';
import { type ChildPlan, type Plan, Plans } from './plan.ts';

export interface InvariantIssue extends Issue {
  readonly code: 'invariant';
  /** The invariant's key: no code system has them. */
  readonly details: { readonly text: string };
}

export type InvariantCheck = (
  resource: unknown,
  exactNumbers?: ReadonlyMap<string, string>,
  options?: { readonly warnings: boolean },
) => InvariantIssue[];

/**
 * For resources whose structure holds. Each type is compiled when it is first met. At most so many errors and warnings are
 * given as anybody would read.
 */
export function compileInvariants(definitions: Definitions): InvariantCheck {
  const plans = new Plans(definitions);
  return (resource, exactNumbers, { warnings } = { warnings: true }) => {
    const exact = exactNumbers?.size ? exactTexts(resource as Node, exactNumbers) : undefined;
    const visit = new Visit(plans, resource as Node, { exact, warnings });
    visit.root();
    return visit.issues;
  };
}

const issuesMax = 100;
/** What the few invariants that walk whole collections may take together; no published resource needs a tenth. */
const stepsMax = 5_000_000;

/** One traversal over what is there: `names` and `indices` say where it is, for what is wrong. */
export class Visit {
  readonly issues: InvariantIssue[] = [];
  readonly exact: ExactTexts | undefined;
  /** https://hl7.org/fhir/R4/fhirpath.html#variables */
  resource: Node;
  readonly rootResource: Node;
  readonly #plans: Plans;
  readonly #warnings: boolean;
  readonly #names: string[] = [];
  readonly #indices: number[] = [];
  #depth = 0;
  #errorCount = 0;
  #warningCount = 0;
  #steps: Steps | undefined;

  constructor(plans: Plans, resource: Node, { exact, warnings }: { exact: ExactTexts | undefined; warnings: boolean }) {
    this.#plans = plans;
    this.#warnings = warnings;
    this.resource = resource;
    this.rootResource = resource;
    this.exact = exact;
  }

  get steps(): Steps {
    this.#steps ??= new Steps(stepsMax);
    return this.#steps;
  }

  root(): void {
    this.#node(this.resource, this.#plans.ofType(this.resource.resourceType as string));
  }

  #node(node: Node, plan: Plan): void {
    this.#check(plan.checks, node);
    const { children } = plan;
    for (const name in node) {
      const child = children[name];
      if (child === undefined) continue;
      const value = node[name];
      if (!Array.isArray(value)) this.#child(value, child, -1, node);
      else for (let index = 0; index < value.length; index++) this.#child(value[index], child, index, node);
    }
  }

  #child(value: unknown, child: ChildPlan, index: number, parent: Node): void {
    if (value === null || value === undefined) return;
    const depth = this.#depth++;
    this.#names[depth] = child.name;
    this.#indices[depth] = index;
    this.#check(child.checks, value);
    if (child.resource !== undefined) this.#resource(value as Node, child.resource, parent);
    else if (child.type !== undefined) {
      child.plan ??= this.#plans.ofType(child.type);
      this.#node(value as Node, child.plan);
    }
    this.#depth = depth;
  }

  #check(checks: readonly Check[], node: unknown): void {
    for (const check of checks) {
      if (check.severity === 'warning' && !this.#warnings) continue;
      if (check.test(node, this) !== true) this.#fail(check, node);
    }
  }

  /** A contained resource is %resource, and its container %rootResource; any other is both. */
  #resource(node: Node, kind: 'contained' | 'own', parent: Node): void {
    const type = node.resourceType as string;
    if (kind === 'own') {
      const visit = new Visit(this.#plans, node, { exact: this.exact, warnings: this.#warnings });
      visit.root();
      for (const issue of visit.issues) this.#add({ ...issue, expression: [this.#place() + below(issue, type)] });
      return;
    }
    this.resource = node;
    this.#node(node, this.#plans.ofContained(type));
    this.resource = parent;
  }

  #fail({ key, severity, describe }: Check, node: unknown): void {
    this.#add({
      severity,
      code: 'invariant',
      details: { text: key },
      diagnostics: describe(node),
      expression: [this.#place()],
    });
  }

  /** Warnings must not crowd out errors. */
  #add(issue: InvariantIssue): void {
    const countOfItsKind = issue.severity === 'error' ? ++this.#errorCount : ++this.#warningCount;
    if (countOfItsKind <= issuesMax) this.issues.push(issue);
  }

  #place(): string {
    let place = this.rootResource.resourceType as string;
    for (let depth = 0; depth < this.#depth; depth++) {
      const index = this.#indices[depth] as number;
      place += `.${this.#names[depth]}${index < 0 ? '' : `[${index}]`}`;
    }
    return place;
  }
}

function below({ expression }: Issue, type: string): string {
  return (expression?.[0] ?? type).slice(type.length);
}
