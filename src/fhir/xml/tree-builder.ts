// Builds the JSON tree of a resource from the tags of its XML, held to the definitions: https://hl7.org/fhir/R4/xml.html

import type { SaxesAttributeNS, SaxesTagNS } from 'saxes';
import type { Definitions } from '../definitions.ts';
import { nestingMax, valuesMax } from '../json-scanner.ts';
import { type Frame, put, putPrimitive, setMember } from './frame.ts';
import { fhirNamespace, layoutOf, type XmlElement, xhtmlNamespace } from './layout.ts';
import { PrimitiveValues } from './primitive-value.ts';
import { emptyFault, fail, nameOf, refuse, refuseUnknown } from './refusals.ts';

const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

/** Fed with the tags of FHIR's elements in their order; what is inside a narrative comes as one text. */
export class TreeBuilder {
  root: unknown;
  readonly primitives = new PrimitiveValues();
  private readonly definitions: Definitions;
  private top: Frame | undefined;
  private readonly elementsMax: number;
  private elementCount = 0;

  /** By default as many elements as JSON may have values. */
  constructor(definitions: Definitions, elementsMax = valuesMax) {
    this.definitions = definitions;
    this.elementsMax = elementsMax;
  }

  /** True for a narrative's div: the caller passes its whole text to `close`. */
  open(tag: SaxesTagNS): boolean {
    const parent = this.top;
    if (++this.elementCount > this.elementsMax) refuse(`The XML has more than ${this.elementsMax} elements.`, parent);
    const isResource = !parent || parent.element?.form === 'resource';
    const frame = isResource ? this.openResource(tag, parent) : this.openElement(tag, parent);
    this.top = frame;
    if (frame.element?.form === 'xhtml') return true;
    for (const name in tag.attributes) this.readAttribute(frame, tag.attributes[name] as SaxesAttributeNS);
    const isLeaf = frame.element?.form === 'primitive' && !frame.node;
    const depth = isLeaf ? frame.depth - 1 : frame.depth;
    if (depth > nestingMax) refuse(`The XML is nested deeper than ${nestingMax} levels.`, frame);
    return false;
  }

  close(xhtml?: string): void {
    const frame = this.top as Frame;
    const { element, parent } = frame;
    if (xhtml !== undefined) frame.value = xhtml;
    else if (element && !frame.isFilled) fail(emptyFault(element), frame);
    this.top = parent;
    if (!parent) this.root = frame.node;
    else if (!element) parent.value = frame.node;
    else if (element.form === 'primitive') putPrimitive(parent, element, frame);
    else put(parent, element, element.form === 'complex' ? frame.node : frame.value);
  }

  /** Anything but white space between FHIR's elements. */
  refuseText(): never {
    fail('has text in it; values stand in the attribute value', this.top);
  }

  private openResource(tag: SaxesTagNS, parent: Frame | undefined): Frame {
    const { local, uri } = tag;
    if (uri !== fhirNamespace) refuse(`A resource must be of the namespace ${fhirNamespace}.`, parent);
    if (!this.definitions.resourceTypes.has(local)) {
      refuse(`${nameOf(local) ?? 'The element of this name'} is not a resource type of FHIR R4.`, parent);
    }
    if (parent?.isFilled) fail('holds more than one resource', parent);
    if (parent) parent.isFilled = true;
    const node = { resourceType: local };
    return this.frame({ parent, element: undefined, index: 0, type: local, content: local, node });
  }

  private openElement(tag: SaxesTagNS, parent: Frame): Frame {
    const element = parent.layout?.elements.get(tag.local);
    if (!element) refuseUnknown(tag.local, parent, 'element');
    const index = element === parent.last ? parent.lastIndex + 1 : 0;
    const frame = this.frame({ parent, element, index, type: element.type, content: element.content, node: undefined });
    const namespace = element.form === 'xhtml' ? xhtmlNamespace : fhirNamespace;
    if (tag.uri !== namespace) fail(`must be of the namespace ${namespace}`, frame);
    checkOrder(parent, element, frame);
    parent.last = element;
    parent.lastIndex = index;
    parent.isFilled = true;
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
    if (prefix !== '') fail('has an attribute of another namespace; R4 forbids them, xsi:schemaLocation too', frame);
    const { element, layout } = frame;
    const isValue = local === 'value' && element?.form === 'primitive';
    const type = isValue ? element.type : layout?.attributes.get(local);
    if (type === undefined) refuseUnknown(local, frame, 'attribute');
    const read = this.primitives.read(value, type, frame);
    if (read === '') fail(`has an empty attribute ${local}`, frame);
    if (!isValue) setMember(frame, local, read);
    else {
      frame.value = read;
      frame.isFilled = true;
    }
  }
}

/** "Elements must always appear in the order documented", so those that repeat also stand together. */
function checkOrder(parent: Frame, element: XmlElement, frame: Frame): void {
  const { last } = parent;
  if (!last || last.order < element.order || (last === element && element.repeats)) return;
  if (last.order > element.order) fail(`must come before ${last.name}: XML has a fixed order of elements`, frame);
  fail(element.isChoice ? 'must be of one type and there once only' : 'must be there once only', frame);
}
