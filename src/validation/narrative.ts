// What a Narrative's div may hold, read in one pass: https://hl7.org/fhir/R4/narrative.html#xhtml

import { nestingMax } from '../fhir/json-scanner.ts';
import { isText, isXmlCharacter } from './characters.ts';

/** What is wrong with it, to be read after the element's path; undefined for a div that may be stored and shown. */
export function narrativeFault(xhtml: string): string | undefined {
  return new NarrativeScan(xhtml.trim()).fault();
}

const xhtmlNamespace = 'http://www.w3.org/1999/xhtml';

/** Chapters 7 to 11 (without 9.4) and 15 of HTML 4.0, links and images, less what HTML 4.0 deprecates. */
const elements: ReadonlySet<string> = new Set(
  `a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5
   h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var`.split(
    /\s+/,
  ),
);

const globalAttributes: ReadonlySet<string> = new Set(
  `abbr accesskey align axis char charoff class colspan dir headers id lang rowspan scope span style tabindex title valign
   width xml:id xml:lang xml:space xmlns`.split(/\s+/),
);

const ownAttributes: Readonly<Record<string, ReadonlySet<string>>> = {
  a: new Set(['charset', 'coords', 'href', 'hreflang', 'name', 'rel', 'rev', 'shape', 'type']),
  area: new Set(['alt', 'coords', 'href', 'nohref', 'shape']),
  blockquote: new Set(['cite']),
  img: new Set(['alt', 'border', 'height', 'ismap', 'longdesc', 'src', 'usemap']),
  map: new Set(['name']),
  q: new Set(['cite']),
  table: new Set(['border', 'cellpadding', 'cellspacing', 'frame', 'rules', 'summary']),
  td: new Set(['nowrap']),
  th: new Set(['nowrap']),
};

const attributesMax = 64;
/** Between attributes stands the white space of XML, not that of JavaScript. */
const tag =
  /<(\/?)([A-Za-z_][\w:.-]*)((?:[ \t\r\n]+[A-Za-z_][\w:.-]*[ \t\r\n]*=[ \t\r\n]*(?:"[^"<]*"|'[^'<]*'))*)[ \t\r\n]*(\/?)>/y;
const attribute = /[ \t\r\n]+([^ \t\r\n=]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')/y;
/** How nearly all begin. */
const usualStart = `<div xmlns="${xhtmlNamespace}">`;
/** There is no DTD, so there are XML's own five entities and numbers. */
const wrongEntity = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/;
/** What a browser would run or fetch: https://hl7.org/fhir/R4/security.html#narrative */
// biome-ignore lint/suspicious/noControlCharactersInRegex: browsers pass over them.
const activeUrl = /^[\s\0-\x1f]*(?:javascript|vbscript|livescript|mocha):/i;
const activeStyle = /expression\s*\(|javascript:|@import|behavior\s*:|-moz-binding|url\s*\(\s*["']?\s*(?!#|data:)/i;

class NarrativeScan {
  private readonly text: string;
  private readonly open: string[] = [];
  private position = 0;
  private hasRoot = false;
  private hasContent = false;

  constructor(text: string) {
    this.text = text;
  }

  fault(): string | undefined {
    if (!isText(this.text)) return 'must hold only characters that XML allows';
    if (this.text.startsWith(usualStart)) this.openUsual();
    else if (!/^<div[\s/>]/.test(this.text)) return 'must be one div element';
    while (this.position < this.text.length) {
      const fault = this.text.charCodeAt(this.position) === 0x3c ? this.markupFault() : this.textFault();
      if (fault !== undefined) return fault;
    }
    if (this.open.length > 0) return 'must close every element it opens';
    return this.hasContent ? undefined : 'must have a text that is not only white space, or an image (txt-2)';
  }

  private openUsual(): void {
    this.hasRoot = true;
    this.open.push('div');
    this.position = usualStart.length;
  }

  private textFault(): string | undefined {
    const end = this.text.indexOf('<', this.position);
    const text = this.text.slice(this.position, end < 0 ? undefined : end);
    this.position += text.length;
    if (this.open.length === 0) return 'must be one div element with nothing beside it';
    if (text.includes(']]>')) return 'must be well-formed XHTML: "]]>" stands in a text';
    this.hasContent ||= /[^ \t\r\n]/.test(text);
    return text.includes('&') ? entityFault(text) : undefined;
  }

  private markupFault(): string | undefined {
    const { text, position } = this;
    if (text.startsWith('<!--', position)) return this.skip('<!--', '-->');
    if (text.startsWith('<![CDATA[', position)) {
      this.hasContent = true;
      return this.skip('<![CDATA[', ']]>');
    }
    if (text[position + 1] === '!' || text[position + 1] === '?') {
      return 'must not hold a DOCTYPE or a processing instruction';
    }
    tag.lastIndex = position;
    const found = tag.exec(text);
    if (!found) return 'must be well-formed XHTML: a tag or one of its attributes is not';
    this.position = tag.lastIndex;
    const [, slash, name = '', attributes = '', selfClosing] = found;
    if (slash === '/') return this.closeFault(name, attributes + selfClosing);
    return this.openFault(name, attributes, selfClosing === '/');
  }

  private openFault(name: string, attributes: string, isSelfClosing: boolean): string | undefined {
    if (!elements.has(name)) return `must not hold the element ${nameOf(name)} (txt-1)`;
    if (this.open.length === 0) {
      if (this.hasRoot) return 'must be one div element with nothing beside it';
      if (!/\sxmlns\s*=/.test(attributes)) return `must have xmlns="${xhtmlNamespace}" at its div`;
    }
    if (this.open.length >= nestingMax) return `must not be nested deeper than ${nestingMax} levels`;
    this.hasRoot = true;
    this.hasContent ||= name === 'img';
    if (!isSelfClosing) this.open.push(name);
    return attributes === '' ? undefined : attributesFault(name, attributes);
  }

  private closeFault(name: string, rest: string): string | undefined {
    return this.open.pop() === name && rest === '' ? undefined : 'must be well-formed XHTML: an end tag closes nothing';
  }

  private skip(start: string, end: string): string | undefined {
    const at = this.text.indexOf(end, this.position + start.length);
    if (at < 0 || this.open.length === 0) return 'must be well-formed XHTML within its div';
    const isDoubleDash = start === '<!--' && this.text.slice(this.position + 4, at + 1).includes('--');
    this.position = at + end.length;
    return isDoubleDash ? 'must be well-formed XHTML: "--" stands in a comment' : undefined;
  }
}

function attributesFault(element: string, text: string): string | undefined {
  const seen: string[] = [];
  attribute.lastIndex = 0;
  for (let found = attribute.exec(text); found; found = attribute.exec(text)) {
    const name = found[1] ?? '';
    if (seen.includes(name)) return 'must be well-formed XHTML: an attribute stands twice in one tag';
    if (seen.length >= attributesMax) return `must not have more than ${attributesMax} attributes in one tag`;
    seen.push(name);
    const fault = attributeFault(element, name, found[2] ?? found[3] ?? '');
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function attributeFault(element: string, name: string, value: string): string | undefined {
  if (!globalAttributes.has(name) && !ownAttributes[element]?.has(name)) {
    return `must not hold the attribute ${nameOf(name)} of ${nameOf(element)} (txt-1)`;
  }
  if (name === 'xmlns' && value !== xhtmlNamespace) return `must be XHTML, of the namespace ${xhtmlNamespace}`;
  if ((name === 'href' || name === 'src') && isActive(value)) {
    return `must not hold active content: the ${name} of ${nameOf(element)} is a script (txt-1)`;
  }
  if (name === 'style' && activeStyle.test(withoutReferences(value))) {
    return 'must not hold active or external content: a style runs or fetches something (txt-1)';
  }
  return value.includes('&') ? entityFault(value) : undefined;
}

function entityFault(text: string): string | undefined {
  if (wrongEntity.test(text)) {
    return 'must be well-formed XHTML: of entities there are only amp, lt, gt, quot, apos and numbers such as &#160;';
  }
  for (const [, hexadecimal, decimal = ''] of text.matchAll(characterReference)) {
    if (!isXmlCharacter(codeOf(hexadecimal, decimal))) {
      return 'must be well-formed XHTML: a number such as &#0; stands for what is no character in XML';
    }
  }
  return undefined;
}

const characterReference = /&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));/g;

function codeOf(hexadecimal: string | undefined, decimal: string): number {
  return hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
}

/** Browsers pass over line ends and tabs in a URL: https://url.spec.whatwg.org/#concept-basic-url-parser */
function isActive(url: string): boolean {
  return !url.startsWith('http') && activeUrl.test(withoutReferences(url).replace(/[\t\r\n]/g, ''));
}

/** So that a scheme is seen however it is written. */
function withoutReferences(value: string): string {
  return value.replace(characterReference, (_all, hexadecimal?: string, decimal = '') => {
    const code = codeOf(hexadecimal, decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}

function nameOf(name: string): string {
  return /^[A-Za-z][A-Za-z0-9:-]{0,31}$/.test(name) ? name : 'of this name';
}
