// XML into the same tree that JSON gives, by the definitions and in one pass: https://hl7.org/fhir/R4/xml.html

import type { Definitions } from '../definitions.ts';
import type { ParsedJson } from '../json.ts';
import { fhirError } from '../outcome.ts';
import { Faults } from './kept-faults.ts';
import { type Fail, strictParser, type XmlParser } from './strict-parser.ts';
import { TreeBuilder } from './tree-builder.ts';
import { isSelfContained, selfContainedXhtml, xhtmlFault } from './xhtml.ts';

export interface XmlOptions {
  /** What FHIR has no element for is left out of the tree, and told by `faultsOf` the tree. */
  readonly keepsFaults?: boolean;
}

/** Throws a FhirError (400) that names the element at fault, or line and column where the text is no XML that FHIR allows. */
export function parseXml(text: string, definitions: Definitions, { keepsFaults = false }: XmlOptions = {}): ParsedJson {
  const faults = new Faults(keepsFaults);
  const tree = new TreeBuilder(definitions, { faults });
  const fail: Fail = (fault) => {
    const place = `at line ${parser.line}, column ${Math.max(1, parser.columnIndex)}`;
    throw fhirError('structure', `The XML cannot be accepted: ${fault} ${place}.`);
  };
  const parser = strictParser(fail);
  if (!text.isWellFormed()) throw fhirError('structure', 'The XML cannot be accepted: it has half a surrogate pair.');
  readDocument(text, parser, tree, fail);
  parser.write(text).close();
  faults.keepBeside(tree.root);
  const { exactNumbers } = tree.primitives;
  return exactNumbers.size > 0 ? { value: tree.root, exactNumbers } : { value: tree.root };
}

function readDocument(text: string, parser: XmlParser, tree: TreeBuilder, fail: Fail): void {
  let narrative: Narrative | undefined;
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding && encoding.toLowerCase() !== 'utf-8') fail('another encoding than UTF-8');
  });
  parser.on('opentag', (tag) => {
    // No attribute's value holds a <, so the last one before this place opens the tag.
    if (!narrative && tree.open(tag)) {
      narrative = { start: text.lastIndexOf('<', parser.position - 1), depth: 0, isSelfContained: true };
    }
    if (!narrative) return;
    narrative.depth++;
    const fault = xhtmlFault(tag, narrative.depth);
    if (fault !== undefined && !tree.keepNarrativeFault(fault)) fail(fault);
    narrative.isSelfContained &&= isSelfContained(tag, narrative.depth);
  });
  parser.on('closetag', () => {
    if (!narrative) tree.close();
    else if (--narrative.depth === 0) {
      tree.close(xhtmlText(text.slice(narrative.start, parser.position), narrative, parser, fail));
      narrative = undefined;
    }
  });
  parser.on('text', (characters) => {
    if (!narrative && /[^ \t\r\n]/.test(characters)) tree.refuseText();
  });
  parser.on('cdata', () => {
    if (!narrative) tree.refuseText();
  });
}

interface Narrative {
  /** Where its first tag begins. */
  readonly start: number;
  depth: number;
  isSelfContained: boolean;
}

function xhtmlText(xhtml: string, { isSelfContained }: Narrative, parser: XmlParser, fail: Fail): string {
  return isSelfContained ? xhtml : selfContainedXhtml(xhtml, fail, (prefix) => parser.resolve(prefix));
}
