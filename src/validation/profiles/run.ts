// What a check writes to and may ask while it runs over one resource.

import type { Definitions } from '../../fhir/definitions.ts';
import { childrenOf, elementNames, type Place, rootPlace } from '../../fhir/fhirpath/place.ts';
import { Steps } from '../../fhir/fhirpath/places.ts';
import type { Issue, IssueCode } from '../../fhir/outcome.ts';
import { expressionOf, rootsOf } from './place-text.ts';

/** What lies outside of the resource; whatever is not known (yet) is undefined. */
export interface Surroundings {
  /** The resource a literal reference points to; the same object each time. */
  readonly resolve?: (reference: string) => object | undefined;
  readonly isMember?: (valueSet: string, coding: CodedValue) => boolean | undefined;
}

export interface CodedValue {
  readonly system?: string;
  readonly code: string;
}

export type PlaceCheck = (place: Place, run: Run) => void;

const issuesMax = 100;
/**
 * Of everything together that is asked of one resource: its elements, times slices, times discriminators. There is no limit of
 * time, for a first check also compiles.
 */
const stepsMax = 500_000;

export class Run {
  readonly issues: Issue[] = [];
  readonly steps: Steps;
  readonly surroundings: Surroundings;
  readonly exactNumbers: ReadonlyMap<string, string> | undefined;
  private readonly definitions: Definitions;
  /** Checks under way by resource, since references may lead back. */
  private readonly underWay: Map<unknown, Set<PlaceCheck>>;

  constructor({ definitions, surroundings, exactNumbers }: RunOptions, within?: Run) {
    this.definitions = definitions;
    this.surroundings = surroundings;
    this.exactNumbers = exactNumbers;
    this.steps = within?.steps ?? new Steps(stepsMax);
    this.underWay = within?.underWay ?? new Map();
  }

  /** `child` is the name of an element that is not there. */
  add(severity: 'error' | 'warning', code: IssueCode, { place, child }: At, diagnostics: string): void {
    if (this.issues.length >= issuesMax && !(severity === 'error' && this.dropWarning())) return;
    const expression = child === undefined ? expressionOf(place) : `${expressionOf(place)}.${child}`;
    this.issues.push({ severity, code, diagnostics, expression: [expression] });
  }

  /** However much there is to warn of, it must not keep an error from being told, and so from being refused. */
  private dropWarning(): boolean {
    const index = this.issues.findLastIndex((issue) => issue.severity === 'warning');
    if (index >= 0) this.issues.splice(index, 1);
    return index >= 0;
  }

  /** Whether a check finds no error, which is then told to nobody. */
  conforms(check: PlaceCheck, place: Place): boolean {
    const inner = this.inner(this.exactNumbers);
    inner.check(check, place);
    return inner.issues.every(({ severity }) => severity !== 'error');
  }

  /** A check that is under way for the same value holds as passed. */
  check(check: PlaceCheck, place: Place): void {
    const running = this.underWay.get(place.value) ?? new Set();
    if (running.has(check)) return;
    this.underWay.set(place.value, running.add(check));
    try {
      check(place, this);
    } finally {
      running.delete(check);
    }
  }

  /** The resource a Reference points to, where its resource, a Bundle around it or the surroundings have it. */
  resolve(place: Place): Resolved | undefined {
    const text = (place.value as { reference?: unknown } | undefined)?.reference;
    if (typeof text !== 'string') return undefined;
    this.steps.spend(10);
    const near = text.startsWith('#') ? this.contained(place, text.slice(1)) : this.bundled(place, text);
    if (near) return { place: near, run: this };
    const far = text.startsWith('#') ? undefined : this.surroundings.resolve?.(text);
    return far && { place: resourcePlace(far), run: this.inner(undefined) };
  }

  private inner(exactNumbers: RunOptions['exactNumbers']): Run {
    const { definitions, surroundings } = this;
    return new Run({ definitions, surroundings, exactNumbers }, this);
  }

  private contained(place: Place, id: string): Place | undefined {
    const root = rootsOf(place).rootResource;
    return id === '' ? root : this.below(root, 'contained').find((one) => memberOf(one, 'id') === id);
  }

  /** https://hl7.org/fhir/R4/bundle.html#references, as far as `fullUrl` says it. */
  private bundled(place: Place, reference: string): Place | undefined {
    let top = place;
    while (top.at) top = top.at.parent;
    if (top.type !== 'Bundle') return undefined;
    const entry = this.below(top, 'entry').find((one) => {
      const fullUrl = memberOf(one, 'fullUrl');
      return fullUrl === reference || (typeof fullUrl === 'string' && fullUrl.endsWith(`/${reference}`));
    });
    return entry && this.below(entry, 'resource')[0];
  }

  private below(parent: Place, name: string): Place[] {
    if (parent.type === undefined) return [];
    const found = childrenOf(parent, elementNames(parent.type, name, this.definitions), this.definitions);
    this.steps.spend(found.length + 1);
    return found;
  }
}

export interface RunOptions {
  readonly definitions: Definitions;
  readonly surroundings: Surroundings;
  readonly exactNumbers: ReadonlyMap<string, string> | undefined;
}

export interface At {
  readonly place: Place;
  readonly child?: string;
}

export interface Resolved {
  readonly place: Place;
  readonly run: Run;
}

export function resourcePlace(resource: object): Place {
  const { resourceType } = resource as { resourceType?: unknown };
  return rootPlace(resource, typeof resourceType === 'string' ? resourceType : 'Resource');
}

function memberOf({ value }: Place, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
