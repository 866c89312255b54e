// Says what is wrong with a resource that its compiled checks refuse: https://hl7.org/fhir/R4/operationoutcome.html

import type { ErrorObject } from 'ajv';
import type { Definitions, Property } from '../fhir/definitions.ts';
import { type Fault, faultOf, grammarFaultOf, literalFaultOf } from './faults.ts';
import { IssueList, type NewIssue } from './issue-list.ts';
import type { Choice, FhirKeywords } from './keywords.ts';
import { type Containment, containmentFaults, localFault } from './local-faults.ts';
import type { SeldomFault } from './seldom-members.ts';
import { isObject, type TypeCheck, type TypeChecks } from './type-checks.ts';

/**
 * Walks the resource once and asks its checks about one member at a time, so that what is explained is just what was
 * refused. The sentences name elements and codes of the specification, never the client's values.
 */
export class Explanation {
  readonly list = new IssueList();
  private readonly definitions: Definitions;
  private readonly checks: TypeChecks;
  /** Of the resource that is not part of another: `#id` means what that one contains. */
  private containment: Containment | undefined;

  constructor(definitions: Definitions, checks: TypeChecks) {
    this.definitions = definitions;
    this.checks = checks;
  }

  explainResource(resource: unknown, path?: string, isContained = false): void {
    const type = isObject(resource) && 'resourceType' in resource ? resource.resourceType : undefined;
    if (!isObject(resource)) {
      this.add({
        code: 'structure',
        message: 'MSG_JSON_OBJECT',
        diagnostics: 'A resource must be a JSON object.',
        path,
      });
    } else if (typeof type !== 'string') {
      this.add({ code: 'structure', diagnostics: 'A resource must name its resourceType.', path });
    } else if (!this.definitions.resourceTypes.has(type)) {
      const diagnostics = `${nameOf(type) ?? 'The resourceType'} is not a resource type of FHIR R4.`;
      this.add({ code: 'structure', message: 'MSG_UNKNOWN_TYPE', diagnostics, path });
    } else if (isContained) this.explainNode(resource as Node, type, path ?? type);
    else this.explainWhole(resource as Node, type, path ?? type);
  }

  private explainWhole(resource: Node, type: string, path: string): void {
    const outer = this.containment;
    this.containment = { resource };
    const { references } = this.checks;
    const takesConditions = references.enter(resource);
    for (const fault of containmentFaults(resource)) this.addRule(fault, `${path}.${fault.place}`);
    this.explainNode(resource, type, path);
    references.leave(takesConditions);
    this.containment = outer;
  }

  private explainNode(node: Node, typeName: string, path: string): void {
    const check = this.checks.datatype(typeName);
    for (const error of check.presenceErrors(node)) this.explainPresence(error, node, path);
    const properties = this.definitions.properties(typeName);
    for (const name of memberNames(node)) {
      if (this.list.isFull) return;
      const property = properties.get(name);
      if (property) this.explainMember({ check, node, name, property, path: `${path}.${property.element.name}` });
      else if (name !== 'resourceType' || !this.definitions.resourceTypes.has(typeName)) {
        this.addUnknown(name in node ? name : `_${name}`, typeName, path);
      } else if ('_resourceType' in node) this.addUnknown('_resourceType', typeName, path);
    }
  }

  private explainPresence({ keyword, params }: ErrorObject, node: Node, path: string): void {
    if (keyword === 'content') {
      this.add({ code: 'structure', diagnostics: `${path} is empty; leave out what is not there (ele-1).`, path });
    } else if (keyword === 'present') this.addMissing(`${path}.${(params.rule as FhirKeywords['present']).key}`);
    else if (keyword === 'choice') this.explainChoice(params.rule as Choice, node, path);
    else if (keyword === 'grammar') this.addRule(grammarFaultOf(node), `${path}.code`);
    else if (keyword === 'literal') {
      const fault = literalFaultOf(this.checks.references.literalFault(node) ?? 'reference');
      this.addRule(fault, `${path}.${fault.element}`);
    }
  }

  private explainChoice({ name, keys }: Choice, node: Node, path: string): void {
    const element = `${path}.${name}`;
    if (!Object.keys(node).some((key) => Object.hasOwn(keys, key))) this.addMissing(element);
    else if (!Object.hasOwn(keys, 'extension')) {
      this.add({
        code: 'structure',
        diagnostics: `${element} must be of one type only; found several.`,
        path: element,
      });
    } else {
      const diagnostics = `${path} must have either a value of one type or extensions (ext-1).`;
      this.add({ code: 'structure', diagnostics, path });
    }
  }

  /** A primitive's value and its extensions are one member: each is right or wrong only beside the other. */
  private explainMember(member: Member): void {
    const { node, name, property, path } = member;
    const value = node[name];
    const extension = node[`_${name}`];
    if (this.memberError(member, value, extension) && !this.explainItems(member)) {
      this.addFaults(member, path, value, extension);
    }
    const type = property.isPrimitive ? undefined : property.type.code;
    this.explainNested(value, type, path, property);
    if (property.isPrimitive) this.explainNested(extension, 'Element', path);
  }

  /** True when the fault lies in single items of an array. */
  private explainItems(member: Member): boolean {
    const { node, name, property, path } = member;
    const values = listOf(node[name]);
    const extensions = listOf(node[`_${name}`]);
    if (!property.element.repeats || (!values && !extensions)) return false;
    const issuesBefore = this.list.issues.length;
    const length = Math.max(values?.length ?? 0, extensions?.length ?? 0);
    for (let i = 0; i < length && !this.list.isFull; i++) {
      const value = values && i < values.length ? [values[i]] : undefined;
      const extension = extensions && i < extensions.length ? [extensions[i]] : undefined;
      if (this.memberError(member, value, extension)) this.addFaults(member, `${path}[${i}]`, value, extension);
    }
    return this.list.issues.length > issuesBefore;
  }

  private explainNested(value: unknown, type: string | undefined, path: string, property?: Property): void {
    if (type === undefined || this.list.isFull) return;
    if (Array.isArray(value)) this.explainList(value, type, path, property);
    else if (!isObject(value)) return;
    else if (type === 'Resource') this.explainResource(value, path, property?.element.name === 'contained');
    else {
      if (type === 'Reference') this.explainLocal(value, property, path);
      this.explainNode(value as Node, type, path);
    }
  }

  private explainList(items: readonly unknown[], type: string, path: string, property?: Property): void {
    for (const [index, item] of items.entries()) {
      if (this.list.isFull) return;
      if (!Array.isArray(item)) this.explainNested(item, type, `${path}[${index}]`, property);
    }
  }

  private explainLocal(reference: object, property: Property | undefined, path: string): void {
    const fault = this.containment && localFault(reference, property, this.containment);
    if (fault) this.addRule(fault, path);
  }

  private memberError({ check, name }: Member, value: unknown, extension: unknown): SeldomFault | undefined {
    const members: Record<string, unknown> = {};
    if (value !== undefined) members[name] = value;
    if (extension !== undefined) members[`_${name}`] = extension;
    this.checks.isShallow = true;
    try {
      return check.memberError(members);
    } finally {
      this.checks.isShallow = false;
    }
  }

  /** Both may be wrong. Only together they tell whether a null is at its place. */
  private addFaults(member: Member, path: string, value: unknown, extension: unknown): void {
    const issuesBefore = this.list.issues.length;
    for (const [one, other] of [
      [value, undefined],
      [undefined, extension],
    ] as const) {
      const error = this.memberError(member, one, other);
      if (error && error.keyword !== 'aligned') this.addFault(error, member, path, value, extension);
    }
    if (this.list.issues.length > issuesBefore) return;
    const error = this.memberError(member, value, extension);
    if (error) this.addFault(error, member, path, value, extension);
  }

  private addFault(error: SeldomFault, member: Member, path: string, value: unknown, extension: unknown): void {
    const { keyword, instancePath } = error;
    const isExtension = instancePath.startsWith('/_');
    const isItem = path.endsWith(']');
    const [given] =
      isItem && keyword !== 'aligned' ? [isExtension ? extension : value].flat() : [isExtension ? extension : value];
    if (keyword === 'additionalProperties') this.addUnknown(`_${member.name}`, member.check.name, parentOf(path));
    else
      this.addRule(
        faultOf(this.checks, keyword, member.property, given),
        path,
        isExtension ? ` (_${member.name})` : '',
      );
  }

  private addMissing(path: string): void {
    this.add({ code: 'required', diagnostics: `${path} is required; found nothing.`, path });
  }

  private addUnknown(key: string, typeName: string, path: string): void {
    const name = nameOf(key);
    const diagnostics = `${typeName} has no element ${name ?? 'of this name'}.`;
    this.add({ code: 'structure', message: 'MSG_UNKNOWN_CONTENT', diagnostics, path: name ? `${path}.${name}` : path });
  }

  private addRule({ code, rule, message }: Fault, path: string, place = ''): void {
    this.add({ code, message, diagnostics: `${path}${place} ${rule}.`, path });
  }

  private add(issue: NewIssue): void {
    this.list.add(issue);
  }
}

type Node = Readonly<Record<string, unknown>>;

interface Member {
  readonly check: TypeCheck;
  readonly node: Node;
  /** The JSON name without the underscore of a primitive's extensions. */
  readonly name: string;
  readonly property: Property;
  readonly path: string;
}

function memberNames(node: Node): Set<string> {
  return new Set(Object.keys(node).map((key) => (key.startsWith('_') ? key.slice(1) : key)));
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('.'));
}

/** Only what can be a name of the specification is repeated. */
function nameOf(text: string): string | undefined {
  return /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(text) ? text : undefined;
}
