// A resource's JSON tree as XML, its elements in the order of the definitions: https://hl7.org/fhir/R4/xml.html

import type { Definitions } from '../definitions.ts';
import { fhirError } from '../outcome.ts';
import { escapeXml } from './characters.ts';
import { fhirNamespace, type Layout, layoutOf, type XmlElement } from './layout.ts';
import { expressionOf, type Place, pointerOf } from './place.ts';
import { narrativeForXml } from './xhtml.ts';

/** Throws a FhirError (406) for what XML 1.0 cannot hold: control characters, and narratives that are no XHTML. */
export function serializeXml(
  value: unknown,
  definitions: Definitions,
  exactNumbers?: ReadonlyMap<string, string>,
  options: { readonly pretty?: boolean } = {},
): string {
  const writer = new XmlWriter(definitions, exactNumbers, options.pretty === true);
  writer.writeResource(value, undefined);
  return writer.text;
}

type Json = Readonly<Record<string, unknown>>;

class XmlWriter {
  text = '<?xml version="1.0" encoding="UTF-8"?>';
  private readonly definitions: Definitions;
  private readonly exactNumbers: ReadonlyMap<string, string> | undefined;
  /** Line end and indentation of the current level; empty where all stands on one line. */
  private line: string;

  constructor(definitions: Definitions, exactNumbers: ReadonlyMap<string, string> | undefined, isPretty: boolean) {
    this.definitions = definitions;
    this.exactNumbers = exactNumbers;
    this.line = isPretty ? '\n' : '';
  }

  writeResource(value: unknown, parent: Place | undefined): void {
    const node = value as Json;
    const type = isObject(value) ? node.resourceType : undefined;
    if (typeof type !== 'string' || !this.definitions.resourceTypes.has(type)) throw misfit(parent, 'is no resource');
    const place = { parent, element: undefined, index: 0, type };
    this.begin(parent ? type : `${type} xmlns="${fhirNamespace}"`);
    this.writeMembers(type, node, layoutOf(this.definitions, type), place);
  }

  /** Opens a tag, to be closed by what follows its attributes. */
  private begin(tag: string): void {
    this.text += `${this.line}<${tag}`;
  }

  private end(name: string): void {
    this.text += `${this.line}</${name}>`;
  }

  private indent(): void {
    this.text += '>';
    if (this.line !== '') this.line += '  ';
  }

  private outdent(): void {
    this.line = this.line.slice(0, -2);
  }

  /** What follows the attributes of the element `name`. */
  private writeMembers(name: string, node: Json, layout: Layout, parent: Place): void {
    const members = membersOf(node, layout, parent);
    if (members.length === 0) {
      this.text += '/>';
      return;
    }
    this.indent();
    for (const element of members) {
      const value = node[element.name];
      const extensions = node[`_${element.name}`];
      if (!element.repeats) this.writeElement(element, value, extensions, { parent, element, index: 0, type: '' });
      else this.writeList(element, listOf(value, parent), listOf(extensions, parent), parent);
    }
    this.outdent();
    this.end(name);
  }

  private writeList(element: XmlElement, values: List, extensions: List, parent: Place): void {
    const length = Math.max(values.length, extensions.length);
    for (let index = 0; index < length; index++) {
      this.writeElement(element, values[index], extensions[index], { parent, element, index, type: '' });
    }
  }

  private writeElement(element: XmlElement, value: unknown, extensions: unknown, place: Place): void {
    if (element.form === 'primitive') this.writePrimitive(element, value, extensions, place);
    else if (element.form === 'xhtml') this.writeNarrative(value, place);
    else if (element.form === 'resource') this.writeHolder(element, value, place);
    else this.writeComplex(element, value, place);
  }

  private writePrimitive(element: XmlElement, value: unknown, extensions: unknown, place: Place): void {
    this.begin(element.name);
    const node = extensions ?? {};
    if (!isObject(node)) throw misfit(place, 'has extensions that are no object');
    const layout = layoutOf(this.definitions, 'Element');
    this.writeAttributes(node, layout, place);
    if (value !== undefined && value !== null) this.text += ` value="${this.valueText(value, place)}"`;
    this.writeMembers(element.name, node, layout, place);
  }

  private valueText(value: unknown, place: Place): string {
    if (typeof value === 'string') return this.escape(value, place);
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'number') throw misfit(place, 'is no primitive');
    const exact = this.exactNumbers?.size ? this.exactNumbers.get(pointerOf(place)) : undefined;
    // As in serializeJson: a text whose number is no longer there says nothing.
    return exact !== undefined && Object.is(Number(exact), value) ? exact : String(value);
  }

  private writeComplex({ name, type }: XmlElement, value: unknown, place: Place): void {
    if (!isObject(value)) throw misfit(place, 'is no object');
    const layout = layoutOf(this.definitions, type);
    this.begin(name);
    this.writeAttributes(value, layout, place);
    this.writeMembers(name, value, layout, place);
  }

  private writeHolder({ name }: XmlElement, value: unknown, place: Place): void {
    this.begin(name);
    this.indent();
    this.writeResource(value, place);
    this.outdent();
    this.end(name);
  }

  private writeNarrative(value: unknown, place: Place): void {
    if (typeof value !== 'string') throw misfit(place, 'is no text');
    const xhtml = narrativeForXml(value, (fault) => {
      throw notAcceptable(place, `${fault} in its XHTML`);
    });
    this.text += this.line + xhtml;
  }

  private writeAttributes(node: Json, { attributes }: Layout, place: Place): void {
    for (const name of attributes.keys()) {
      const value = node[name];
      if (value !== undefined) this.text += ` ${name}="${this.escape(String(value), place)}"`;
    }
  }

  private escape(text: string, place: Place): string {
    return escapeXml(text, (codePoint) => {
      throw notAcceptable(place, `the character ${codePoint}`);
    });
  }
}

type List = readonly unknown[];

/** The elements that are there, in their order, which that of the members mostly is already. */
function membersOf(node: Json, { elements, attributes }: Layout, place: Place): XmlElement[] {
  const members: XmlElement[] = [];
  let isSorted = true;
  let order = -1;
  for (const key in node) {
    const isExtension = key.startsWith('_');
    const name = isExtension ? key.slice(1) : key;
    if (node[key] === undefined || (isExtension && node[name] !== undefined)) continue;
    const element = elements.get(name);
    if (element) {
      members.push(element);
      isSorted &&= element.order >= order;
      order = element.order;
    } else if (!attributes.has(key) && !(key === 'resourceType' && !place.element)) {
      throw misfit(place, 'has a member that R4 does not know');
    }
  }
  return isSorted ? members : members.sort((a, b) => a.order - b.order);
}

function listOf(value: unknown, place: Place): List {
  if (value === undefined || Array.isArray(value)) return value ?? [];
  throw misfit(place, 'has a member that should be an array');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** 406: the resource is right, only this format cannot hold it. */
function notAcceptable(place: Place, what: string): Error {
  const expression = expressionOf(place);
  const diagnostics = `${expression} cannot be given as XML: it has ${what}. Ask for application/fhir+json instead.`;
  return fhirError('not-supported', diagnostics, { status: 406, expression });
}

/** Only resources that were validated, or made here, are written. */
function misfit(place: Place | undefined, fault: string): Error {
  return new TypeError(`The tree cannot be written as XML: ${place ? expressionOf(place) : 'it'} ${fault}.`);
}
