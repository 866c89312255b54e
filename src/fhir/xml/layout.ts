// How the elements of a FHIR type stand in XML, in which order and form: https://hl7.org/fhir/R4/xml.html

import type { Definitions, Property } from '../definitions.ts';

const layouts = new WeakMap<Definitions, Map<string, Layout>>();

/** The layout of a type of the definitions, made once. */
export function layoutOf(definitions: Definitions, typeName: string): Layout {
  return layouts.get(definitions)?.get(typeName) ?? addLayout(definitions, typeName);
}

function addLayout(definitions: Definitions, typeName: string): Layout {
  const layout = createLayout(definitions, typeName);
  const known = layouts.get(definitions) ?? new Map<string, Layout>();
  layouts.set(definitions, known.set(typeName, layout));
  return layout;
}

export interface Layout {
  /** By the name in XML, which is also that in JSON: choices are spelled out. */
  readonly elements: ReadonlyMap<string, XmlElement>;
  /** `id` of an element and `url` of an extension, with their types. */
  readonly attributes: ReadonlyMap<string, string>;
}

export interface XmlElement {
  readonly name: string;
  /** Its name in FHIRPath: `value` for `valueQuantity`. */
  readonly pathName: string;
  /** The place in the fixed order of elements; the variants of a choice share one. */
  readonly order: number;
  readonly repeats: boolean;
  readonly isChoice: boolean;
  readonly form: 'primitive' | 'complex' | 'xhtml' | 'resource';
  readonly type: string;
  /** The type of what may stand inside it or beside its value; `Resource.id` takes no extension and has none. */
  readonly content?: string;
}

export const fhirNamespace = 'http://hl7.org/fhir';
export const xhtmlNamespace = 'http://www.w3.org/1999/xhtml';

function createLayout(definitions: Definitions, typeName: string): Layout {
  const isResource = definitions.typeDefinition(typeName)?.kind === 'resource';
  const elements = new Map<string, XmlElement>();
  const attributes = new Map<string, string>();
  let order = -1;
  let previous: Property['element'] | undefined;
  for (const [name, property] of definitions.properties(typeName)) {
    if (property.element !== previous) order++;
    previous = property.element;
    // The id of a resource is an element, that of everything else an attribute.
    if (property.element.isAttribute && !isResource) attributes.set(name, property.type.code);
    else elements.set(name, toXmlElement(name, order, property));
  }
  return { elements, attributes };
}

function toXmlElement(name: string, order: number, property: Property): XmlElement {
  const { element, type } = property;
  const form = formOf(property);
  const content = contentOf(property, form);
  return {
    name,
    pathName: element.name,
    order,
    repeats: element.repeats === true,
    isChoice: element.isChoice === true,
    form,
    type: type.code,
    ...(content !== undefined && { content }),
  };
}

function contentOf({ element, type }: Property, form: XmlElement['form']): string | undefined {
  if (form === 'complex') return type.code;
  return form === 'primitive' && !element.isAttribute ? 'Element' : undefined;
}

function formOf({ type, isPrimitive }: Property): XmlElement['form'] {
  if (type.code === 'xhtml') return 'xhtml';
  if (isPrimitive) return 'primitive';
  return type.code === 'Resource' ? 'resource' : 'complex';
}
