// Says what is wrong with a resource that its compiled checks refuse: https://hl7.org/fhir/R4/operationoutcome.html

import type { ErrorObject } from 'ajv';
import type { Definitions, Property } from '../fhir/definitions.ts';
import type { Issue, IssueCode } from '../fhir/outcome.ts';
import { faultOf } from './faults.ts';
import type { Choice, FhirKeywords } from './keywords.ts';
import { isObject, type TypeCheck, type TypeChecks } from './type-checks.ts';

const issuesMax = 20;

/**
 * Walks the resource once and asks its checks about one member at a time, so that what is explained is just what was
 * refused. The sentences name elements and codes of the specification, never the client's values.
 */
export class Explanation {
  readonly issues: Issue[] = [];
  private readonly definitions: Definitions;
  private readonly checks: TypeChecks;

  constructor(definitions: Definitions, checks: TypeChecks) {
    this.definitions = definitions;
    this.checks = checks;
  }

  explainResource(resource: unknown, path?: string): void {
    const type = isObject(resource) && 'resourceType' in resource ? resource.resourceType : undefined;
    if (!isObject(resource)) this.add('structure', 'A resource must be a JSON object.', path);
    else if (typeof type !== 'string') this.add('structure', 'A resource must name its resourceType.', path);
    else if (this.definitions.resourceTypes.has(type)) this.explainNode(resource as Node, type, path ?? type);
    else this.add('structure', `${nameOf(type) ?? 'The resourceType'} is not a resource type of FHIR R4.`, path);
  }

  private explainNode(node: Node, typeName: string, path: string): void {
    const check = this.checks.datatype(typeName);
    for (const error of check.presenceErrors(node)) this.explainPresence(error, node, path);
    const properties = this.definitions.properties(typeName);
    for (const name of memberNames(node)) {
      if (this.issues.length >= issuesMax) return;
      const property = properties.get(name);
      if (property) this.explainMember({ check, node, name, property, path: `${path}.${property.element.name}` });
      else if (name !== 'resourceType' || !this.definitions.resourceTypes.has(typeName))
        this.addUnknown(name, typeName, path);
    }
  }

  private explainPresence({ keyword, params }: ErrorObject, node: Node, path: string): void {
    if (keyword === 'content') this.add('structure', `${path} is empty; leave out what is not there.`, path);
    else if (keyword === 'present') this.addMissing(`${path}.${(params.rule as FhirKeywords['present']).key}`);
    else if (keyword === 'choice') this.explainChoice(params.rule as Choice, node, path);
  }

  private explainChoice({ name, keys }: Choice, node: Node, path: string): void {
    const element = `${path}.${name}`;
    if (!Object.keys(node).some((key) => Object.hasOwn(keys, key))) this.addMissing(element);
    else if (!Object.hasOwn(keys, 'extension')) this.add('structure', `${element} must be of one type only.`, element);
    else this.add('structure', `${path} must have either a value of one type or extensions (ext-1).`, path);
  }

  /** A primitive's value and its extensions are one member: each is right or wrong only beside the other. */
  private explainMember(member: Member): void {
    const { node, name, property, path } = member;
    const value = node[name];
    const extension = node[`_${name}`];
    const error = this.memberError(member, value, extension);
    if (error && !this.explainItems(member)) this.addFault(error, member, path, value, extension);
    this.explainNested(value, property.isPrimitive ? undefined : property.type.code, path);
    if (property.isPrimitive) this.explainNested(extension, 'Element', path);
  }

  /** True when the fault lies in single items of an array. */
  private explainItems(member: Member): boolean {
    const { node, name, property, path } = member;
    const values = listOf(node[name]);
    const extensions = listOf(node[`_${name}`]);
    if (!property.element.repeats || (!values && !extensions)) return false;
    const issuesBefore = this.issues.length;
    const length = Math.max(values?.length ?? 0, extensions?.length ?? 0);
    for (let i = 0; i < length && this.issues.length < issuesMax; i++) {
      const value = values && i < values.length ? [values[i]] : undefined;
      const extension = extensions && i < extensions.length ? [extensions[i]] : undefined;
      const error = this.memberError(member, value, extension);
      if (error) this.addFault(error, member, `${path}[${i}]`, value?.[0], extension?.[0]);
    }
    return this.issues.length > issuesBefore;
  }

  private explainNested(value: unknown, type: string | undefined, path: string): void {
    if (type === undefined || this.issues.length >= issuesMax) return;
    if (Array.isArray(value)) this.explainList(value, type, path);
    else if (isObject(value) && type === 'Resource') this.explainResource(value, path);
    else if (isObject(value)) this.explainNode(value as Node, type, path);
  }

  private explainList(items: readonly unknown[], type: string, path: string): void {
    for (const [index, item] of items.entries()) {
      if (this.issues.length >= issuesMax) return;
      if (!Array.isArray(item)) this.explainNested(item, type, `${path}[${index}]`);
    }
  }

  private memberError({ check, name }: Member, value: unknown, extension: unknown): ErrorObject | undefined {
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

  private addFault(error: ErrorObject, member: Member, path: string, value: unknown, extension: unknown): void {
    const { keyword, instancePath } = error;
    const isExtension = instancePath.startsWith('/_');
    const { code, rule } = faultOf(this.definitions, keyword, member.property, isExtension ? extension : value);
    if (keyword === 'additionalProperties') this.addUnknown(`_${member.name}`, member.check.name, parentOf(path));
    else this.add(code, `${path} ${isExtension ? `(_${member.name}) ` : ''}${rule}.`, path);
  }

  private addMissing(path: string): void {
    this.add('required', `${path} is required.`, path);
  }

  private addUnknown(key: string, typeName: string, path: string): void {
    const name = nameOf(key);
    this.add('structure', `${typeName} has no element ${name ?? 'of this name'}.`, name ? `${path}.${name}` : path);
  }

  private add(code: IssueCode, diagnostics: string, path: string | undefined): void {
    if (this.issues.length >= issuesMax) return;
    this.issues.push({ severity: 'error', code, diagnostics, ...(path !== undefined && { expression: [path] }) });
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
