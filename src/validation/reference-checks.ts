// What a Reference may say and point to, as far as its own text tells: https://hl7.org/fhir/R4/references.html#literal

import { isToken } from './characters.ts';
import type { Check } from './keywords.ts';

/** Checks References one by one and keeps those to contained resources until the whole resource has been seen. */
export class ReferenceChecks {
  /** Text and type fit each other. */
  readonly literal: Check = { matches: (value) => this.literalFault(value as ReferenceNode) === undefined };
  private readonly resourceTypes: ReadonlySet<string>;
  private readonly local: LocalReference[] = [];
  private takesConditions = false;
  private lastText = '';
  private lastType: string | null | undefined = null;

  constructor(resourceTypes: ReadonlySet<string>) {
    this.resourceTypes = resourceTypes;
  }

  /**
   * Only what is carried out as a transaction or patch has its conditions resolved, so what is stored may hold one in a
   * transaction that is kept as such. Gives what `leave` takes.
   */
  enter(resource: unknown): boolean {
    const outer = this.takesConditions;
    const { resourceType, type } = (resource ?? {}) as { readonly resourceType?: unknown; readonly type?: unknown };
    this.take(outer || resourceType === 'Parameters' || (resourceType === 'Bundle' && type === 'transaction'));
    return outer;
  }

  leave(outer: boolean): void {
    this.take(outer);
  }

  private take(conditions: boolean): void {
    if (this.takesConditions === conditions) return;
    this.takesConditions = conditions;
    this.lastText = '';
    this.lastType = null;
  }

  referenceTo(targets: readonly string[]): Check {
    const allowed = new Set(targets);
    return { matches: (value) => this.typeOutside(value as ReferenceNode, allowed) === undefined };
  }

  literalFault({ reference, type }: ReferenceNode): LiteralFault | undefined {
    if (typeof type === 'string' && !this.resourceTypes.has(type)) return 'type';
    if (typeof reference !== 'string') return undefined;
    const named = this.typeIn(reference);
    if (named === null) return this.conditionalType(reference) === null ? 'reference' : 'condition';
    if (reference.startsWith('#')) this.local.push({ id: reference.slice(1), targets: undefined });
    return typeof type === 'string' && named !== undefined && named !== type ? 'mismatch' : undefined;
  }

  /** The type that it points to and must not. */
  typeOutside({ reference, type }: ReferenceNode, targets: ReadonlySet<string>): string | undefined {
    if (typeof reference === 'string') {
      if (reference.startsWith('#')) this.local.push({ id: reference.slice(1), targets });
      const named = this.typeIn(reference);
      if (typeof named === 'string' && !targets.has(named)) return named;
    }
    return typeof type === 'string' && this.resourceTypes.has(type) && !targets.has(type) ? type : undefined;
  }

  /** Where those of a resource begin that is looked at next. */
  get localCount(): number {
    return this.local.length;
  }

  /** Forgets what was kept since there were `count`. */
  resolveLocal(resource: ContainerNode, count: number): boolean {
    if (this.local.length === count) return true;
    const types = containedTypes(resource);
    const kept = this.local.splice(count);
    return kept.every(({ id, targets }) => {
      const type = types.get(id);
      return type !== undefined && (targets?.has(type) ?? true);
    });
  }

  /** Explaining asks about References apart from their resource. */
  forgetLocal(): void {
    this.local.length = 0;
  }

  /** Undefined for what only resolving would tell (fragments, URNs, other URLs); null for what is no reference. */
  private typeIn(text: string): string | null | undefined {
    // The element's targets and the Reference itself ask about the same text, one after the other.
    if (text !== this.lastText) {
      this.lastType = this.parseType(text);
      this.lastText = text;
    }
    return this.lastType;
  }

  private parseType(text: string): string | null | undefined {
    if (text.startsWith('urn:')) return isToken(text) ? undefined : null;
    if (text.startsWith('#')) return text === '#' || /^#[A-Za-z0-9.-]{1,64}$/.test(text) ? undefined : null;
    const type = text.slice(0, Math.max(0, text.indexOf('/')));
    if (this.resourceTypes.has(type)) return relative.test(text) ? type : null;
    if (!/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text)) return this.takesConditions ? this.conditionalType(text) : null;
    const ending = absolute.exec(text)?.[1];
    return ending !== undefined && this.resourceTypes.has(ending) ? ending : undefined;
  }

  /** A condition that a transaction resolves: https://hl7.org/fhir/R4/http.html#trules */
  private conditionalType(text: string): string | null {
    const type = /^([A-Z][A-Za-z]+)\?/.exec(text)?.[1];
    return type !== undefined && this.resourceTypes.has(type) ? type : null;
  }
}

export interface ReferenceNode {
  readonly reference?: unknown;
  readonly type?: unknown;
}

export type LiteralFault = 'type' | 'reference' | 'condition' | 'mismatch';

interface LocalReference {
  readonly id: string;
  readonly targets: ReadonlySet<string> | undefined;
}

const relative = /^[A-Z][A-Za-z]*\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const absolute = /^https?:\/\/[^?#]+\/([A-Z][A-Za-z]*)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

export interface ContainerNode {
  readonly resourceType?: unknown;
  readonly contained?: unknown;
}

/** By id, and under the empty id the container itself, which `#` stands for. */
export function containedTypes({ resourceType, contained }: ContainerNode): ReadonlyMap<unknown, string> {
  const items: readonly unknown[] = Array.isArray(contained) ? contained : [];
  const types = items.map((item): [unknown, string] => {
    const { id, resourceType: type } = (item ?? {}) as { id?: unknown; resourceType?: unknown };
    return [id, String(type)];
  });
  return new Map([...types, ['', String(resourceType)]]);
}

/** Each contained resource has an id, which no other has: https://hl7.org/fhir/R4/references.html#contained */
export function haveOwnIds(contained: unknown): boolean {
  if (!Array.isArray(contained)) return true;
  const ids = new Set<unknown>();
  for (const item of contained) {
    const { id } = (item ?? {}) as { id?: unknown };
    if (id === undefined || ids.has(id)) return false;
    ids.add(id);
  }
  return true;
}
