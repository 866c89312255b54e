// Builds the JSON tree of a resource from the tags of its XML, held to the definitions: https://hl7.org/fhir/R4/xml.html

import type { SaxesAttributeNS, SaxesTagNS } from 'saxes';
import type { Definitions } from '../definitions.ts';
import { nestingMax, valuesMax } from '../json-scanner.ts';
import type { FhirError } from '../outcome.ts';
import { type Frame, put, putPrimitive, setMember } from './frame.ts';
import { Faults } from './kept-faults.ts';
import { fhirNamespace, layoutOf, type XmlElement, xhtmlNamespace } from './layout.ts';
import { PrimitiveValues } from './primitive-value.ts';
import { emptyFault, faultAt, nameOf, refusal, unknownFault } from './refusals.ts';

const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

export interface TreeOptions {
  /** By default as many as JSON may have values. */
  readonly elementsMax?: number;
  /** By default the first is thrown. */
  readonly faults?: Faults;
}

/** Fed with the tags of FHIR's elements in their order; what is inside a narrative comes as one text. */
export class TreeBuilder {
  root: unknown;
  readonly primitives = new PrimitiveValues();
  private readonly definitions: Definitions;
  private top: Frame | undefined;
  private readonly elementsMax: number;
  private readonly faults: Faults;
  private elementCount = 0;
  /** How many elements are open of what has no place in the tree. */
  private leftOutDepth = 0;

  constructor(definitions: Definitions, options: TreeOptions = {}) {
    this.definitions = definitions;
    this.elementsMax = options.elementsMax ?? valuesMax;
    this.faults = options.faults ?? new Faults(false);
  }

  /** True for a narrative's div: the caller passes its whole text to `close`. */
  open(tag: SaxesTagNS): boolean {
    const parent = this.top;
    if (++this.elementCount > this.elementsMax) {
      throw refusal(`The XML has more than ${this.elementsMax} elements.`, parent);
    }
    if (this.leftOutDepth > 0) return this.leaveOut();
    const isResource = !parent || parent.element?.form === 'resource';
    const frame = isResource ? this.openResource(tag, parent) : this.openElement(tag, parent);
    if (!frame) return this.leaveOut();
    this.top = frame;
    if (frame.element?.form === 'xhtml') return true;
    for (const name in tag.attributes) this.readAttribute(frame, tag.attributes[name] as SaxesAttributeNS);
    const isLeaf = frame.element?.form === 'primitive' && !frame.node;
    const depth = isLeaf ? frame.depth - 1 : frame.depth;
    if (depth > nestingMax) throw refusal(`The XML is nested deeper than ${nestingMax} levels.`, frame);
    return false;
  }

  /** With all that stands in it. */
  private leaveOut(): false {
    this.leftOutDepth++;
    return false;
  }

  close(xhtml?: string): void {
    if (this.leftOutDepth > 0) {
      this.leftOutDepth--;
      return;
    }
    const frame = this.top as Frame;
    const { element, parent } = frame;
    if (xhtml !== undefined) frame.value = xhtml;
    else if (element && !frame.isFilled) this.faults.add(faultAt(emptyFault(element), frame));
    this.top = parent;
    if (!parent) this.root = frame.node;
    else if (!element) parent.value = frame.node;
    else if (element.form === 'primitive') putPrimitive(parent, element, frame);
    else put(parent, element, element.form === 'complex' ? frame.node : frame.value);
  }

  /** Anything but white space between FHIR's elements. */
  refuseText(): void {
    if (this.leftOutDepth > 0) return;
    this.faults.add(faultAt('has text in it; values stand in the attribute value', this.top));
  }

  /** False where faults are not kept: the narrative is taken as it is then, for the validator to refuse. */
  keepNarrativeFault(fault: string): boolean {
    if (this.faults.areKept) this.faults.add(faultAt(`holds ${fault}`, this.top));
    return this.faults.areKept;
  }

  /** Undefined for what is to be left out. */
  private openResource(tag: SaxesTagNS, parent: Frame | undefined): Frame | undefined {
    const { local } = tag;
    const fault = this.resourceFault(tag, parent);
    if (parent) parent.isFilled = true;
    const node = { resourceType: local };
    if (!fault) return this.frame({ parent, element: undefined, index: 0, type: local, content: local, node });
    this.faults.add(fault);
    if (!parent) this.root = node;
    return undefined;
  }

  private resourceFault({ local, uri }: SaxesTagNS, parent: Frame | undefined): FhirError | undefined {
    if (uri !== fhirNamespace) return refusal(`A resource must be of the namespace ${fhirNamespace}.`, parent);
    if (!this.definitions.resourceTypes.has(local)) {
      return refusal(`${nameOf(local) ?? 'The element of this name'} is not a resource type of FHIR R4.`, parent);
    }
    return parent?.isFilled ? faultAt('holds more than one resource', parent) : undefined;
  }

  /** Undefined for what is to be left out. */
  private openElement(tag: SaxesTagNS, parent: Frame): Frame | undefined {
    const element = parent.layout?.elements.get(tag.local);
    parent.isFilled = true;
    if (!element) {
      this.faults.add(unknownFault(tag.local, parent, 'element'));
      return undefined;
    }
    const index = element === parent.last ? parent.lastIndex + 1 : countOf(parent, element);
    const frame = this.frame({ parent, element, index, type: element.type, content: element.content, node: undefined });
    const namespace = element.form === 'xhtml' ? xhtmlNamespace : fhirNamespace;
    if (tag.uri !== namespace) {
      this.faults.add(faultAt(`must be of the namespace ${namespace}`, frame));
      return undefined;
    }
    const fault = orderFault(parent, element);
    if (fault !== undefined) {
      this.faults.add(faultAt(fault, frame));
      // What comes too late is looked at all the same, but nothing takes the place of what is there.
      return element.repeats || !isThere(parent, element) ? frame : undefined;
    }
    parent.last = element;
    parent.lastIndex = index;
    return frame;
  }

  private frame(
    start: Pick<Frame, 'parent' | 'element' | 'index' | 'type' | 'node'> & { content: string | undefined },
  ): Frame {
    const { parent, element, index, type, content, node } = start;
    const form = element?.form;
    const depth = (parent?.depth ?? 0) + (element?.repeats ? 1 : 0) + (form === 'resource' ? 0 : 1);
    return {
      parent,
      element,
      index,
      type,
      depth,
      layout: content === undefined ? undefined : layoutOf(this.definitions, content),
      node: form === 'complex' ? {} : node,
      value: undefined,
      isFilled: false,
      last: undefined,
      lastIndex: 0,
    };
  }

  private readAttribute(frame: Frame, { uri, local, prefix, value }: SaxesAttributeNS): void {
    if (uri === xmlnsNamespace) return;
    const { element, layout } = frame;
    const isValue = prefix === '' && local === 'value' && element?.form === 'primitive';
    const type = isValue ? element.type : layout?.attributes.get(local);
    if (prefix !== '') {
      this.faults.add(faultAt('has an attribute of another namespace; R4 forbids them, xsi:schemaLocation too', frame));
      return;
    }
    if (type === undefined) {
      this.faults.add(unknownFault(local, frame, 'attribute'));
      return;
    }
    const read = this.primitives.read(value, type, frame);
    if (read === '') {
      this.faults.add(faultAt(`has an empty attribute ${local}`, frame));
      // Said already: that there is nothing else in it.
      frame.isFilled = true;
    } else if (!isValue) setMember(frame, local, read);
    else {
      frame.value = read;
      frame.isFilled = true;
    }
  }
}

/** "Elements must always appear in the order documented", so those that repeat also stand together. */
function orderFault({ last }: Frame, element: XmlElement): string | undefined {
  if (!last || last.order < element.order || (last === element && element.repeats)) return undefined;
  if (last.order > element.order) return `must come before ${last.name}: XML has a fixed order of elements`;
  return element.isChoice ? 'must be of one type and there once only' : 'must be there once only';
}

/** Of an element that comes once more where another order was kept. */
function countOf({ node }: Frame, { name, repeats }: XmlElement): number {
  const list = repeats ? node?.[name] : undefined;
  return Array.isArray(list) ? list.length : 0;
}

/** Of a choice another variant may be there. */
function isThere({ node, last }: Frame, { name, order }: XmlElement): boolean {
  return last?.order === order || node?.[name] !== undefined || node?.[`_${name}`] !== undefined;
}
