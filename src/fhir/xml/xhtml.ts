// Narratives: XHTML as a string in JSON, as elements of their own namespace in XML: https://hl7.org/fhir/R4/narrative.html#xhtml

import type { SaxesAttributeNS, SaxesTagNS } from 'saxes';
import { nestingMax } from '../json-scanner.ts';
import { escapeXml } from './characters.ts';
import { xhtmlNamespace } from './layout.ts';
import { type Fail, strictParser } from './strict-parser.ts';

/** The div as it can stand in a FHIR document, its namespace declared. `fail` gets what keeps it from that. */
export function narrativeForXml(xhtml: string, fail: Fail): string {
  const text = declareNamespace(xhtml.trim());
  const parser = strictParser(fail);
  let depth = 0;
  parser.on('xmldecl', () => fail('an XML declaration'));
  parser.on('opentag', (tag) => {
    if (depth === 0 && tag.local !== 'div') fail('another element than div');
    depth++;
    const fault = xhtmlFault(tag, depth);
    if (fault !== undefined) fail(fault);
  });
  parser.on('closetag', () => {
    depth--;
  });
  parser.write(text).close();
  return text;
}

/** Many leave it out in JSON, where nothing asks for it. */
function declareNamespace(xhtml: string): string {
  const isBare = /^<div[\s/>]/.test(xhtml) && !/^<div\s(?:[^>]*\s)?xmlns\s*=/.test(xhtml);
  return isBare ? `<div xmlns="${xhtmlNamespace}"${xhtml.slice('<div'.length)}` : xhtml;
}

/** "The only other namespace that occurs in FHIR resources is the XHTML namespace." */
export function xhtmlFault({ uri, attributes }: SaxesTagNS, depth: number): string | undefined {
  if (uri !== xhtmlNamespace) return `an element that is not of the namespace ${xhtmlNamespace}`;
  if (depth > nestingMax) return `XHTML nested deeper than ${nestingMax} levels`;
  const isForeign = ({ prefix }: SaxesAttributeNS) => prefix !== '' && prefix !== 'xml' && prefix !== 'xmlns';
  return Object.values(attributes).some(isForeign) ? 'an attribute of another namespace' : undefined;
}

/** Whether the text of this tag means the same outside the document it stands in. */
export function isSelfContained({ prefix, ns }: SaxesTagNS, depth: number): boolean {
  return prefix === '' && (depth > 1 || ns[''] === xhtmlNamespace);
}

/** The same XHTML by one default namespace, whatever prefixes the document around it declared. */
export function selfContainedXhtml(
  xhtml: string,
  fail: Fail,
  resolvePrefix: (prefix: string) => string | undefined,
): string {
  let text = '';
  const parser = strictParser(fail, resolvePrefix);
  const addText = (characters: string) => {
    text += escapeXml(characters, fail);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('opentag', ({ local, attributes, isSelfClosing }) => {
    text += `<${local}${text === '' ? ` xmlns="${xhtmlNamespace}"` : ''}`;
    for (const { name, prefix, value } of Object.values(attributes)) {
      if (prefix !== 'xmlns' && name !== 'xmlns') text += ` ${name}="${escapeXml(value, fail)}"`;
    }
    text += isSelfClosing ? '/>' : '>';
  });
  parser.on('closetag', ({ local, isSelfClosing }) => {
    if (!isSelfClosing) text += `</${local}>`;
  });
  parser.write(xhtml).close();
  return text;
}
