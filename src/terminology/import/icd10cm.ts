// ICD-10-CM from its tabular list in XML, with the codes that a seventh character makes: https://www.cdc.gov/nchs/icd/icd-10-cm/files.html

import { SaxesParser } from 'saxes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Designation, SourceConcept, SourceSystem } from '../source-system.ts';
import type { Distribution } from './distribution.ts';

/** A chapter, a section or a diagnosis that is open. */
interface Node {
  readonly kind: 'chapter' | 'section' | 'diag';
  code: string;
  display: string;
  readonly terms: string[];
  /** By character, of this diagnosis and those below it, which define none of their own. */
  extensions: Map<string, string>;
  hasChildren: boolean;
  readonly at: number;
}

/** Codes of six characters and one more: https://www.cdc.gov/nchs/icd/icd-10-cm, section I.A.5 */
const extendedLength = 6;

export async function readIcd10cm(distribution: Distribution): Promise<SourceSystem> {
  const file = distribution.find(/tabular.*\.xml$/i) ?? distribution.require(/\.xml$/i, 'icd10cm_tabular_….xml');
  distribution.expect([file]);
  const tabular = new Tabular();
  const parser = new SaxesParser();
  // Without it the parser throws at a place of its own choosing.
  parser.on('error', (error) => {
    throw fhirError('invalid', `${file} is not well-formed XML: ${error.message}`);
  });
  parser.on('opentag', ({ name, attributes }) => tabular.open(name, attributes as Readonly<Record<string, string>>));
  parser.on('text', (text) => tabular.text(text));
  parser.on('closetag', ({ name }) => tabular.close(name));
  for await (const chunk of distribution.chunks(file)) parser.write(chunk);
  parser.close();
  return {
    url: 'http://hl7.org/fhir/sid/icd-10-cm',
    version: distribution.release ?? tabular.version,
    title: 'ICD-10-CM',
    content: 'complete',
    subsumes: true,
    caseSensitive: false,
    properties: [{ code: 'billable', description: 'Whether nothing more exact is to be coded instead' }],
    concepts: tabular.concepts,
  };
}

class Tabular {
  readonly concepts: SourceConcept[] = [];
  version = '';
  readonly #nodes: Node[] = [];
  readonly #path: string[] = [];
  #text = '';
  #character = '';

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#text = '';
    this.#path.push(name);
    const open = this.#nodes.at(-1);
    // What a diagnosis defines counts in place of what is defined above it.
    if (name === 'sevenChrDef' && open) open.extensions = new Map();
    if (name === 'extension') this.#character = attributes.char ?? '';
    if (name !== 'chapter' && name !== 'section' && name !== 'diag') return;
    const parent = this.#nodes.at(-1);
    if (parent) parent.hasChildren = true;
    const code = name === 'section' ? (attributes.id ?? '') : '';
    const extensions = parent?.extensions ?? new Map<string, string>();
    this.#nodes.push({
      kind: name,
      code,
      display: '',
      terms: [],
      extensions,
      hasChildren: false,
      at: this.concepts.length,
    });
    // Its place in the list is before what is below it.
    this.concepts.push({ code, parents: [] });
  }

  text(text: string): void {
    this.#text += text;
  }

  close(name: string): void {
    const text = this.#text.trim();
    this.#text = '';
    this.#path.pop();
    const node = this.#nodes.at(-1);
    const parent = this.#path.at(-1);
    if (name === 'version' && !node) this.version = text;
    else if (name === 'name' && node && parent === node.kind)
      node.code = node.kind === 'chapter' ? `Chapter ${text}` : text;
    else if (name === 'desc' && node && parent === node.kind) node.display = text;
    else if (name === 'note' && parent === 'inclusionTerm') node?.terms.push(text);
    else if (name === 'extension' && parent === 'sevenChrDef') node?.extensions.set(this.#character, text);
    else if (node && name === node.kind) this.#finish(node);
  }

  #finish(node: Node): void {
    this.#nodes.pop();
    const parent = this.#nodes.at(-1);
    const isDiagnosis = node.kind === 'diag';
    const extended = isDiagnosis && !node.hasChildren ? extendedCodes(node) : [];
    this.concepts[node.at] = {
      code: node.code,
      display: node.display,
      parents: parent ? [parent.code] : [],
      abstract: !isDiagnosis,
      ...(node.terms.length > 0 && { designations: node.terms.map(inclusionTerm) }),
      ...(isDiagnosis && { properties: [billable(!node.hasChildren && extended.length === 0)] }),
    };
    for (const concept of extended) this.concepts.push(concept);
  }
}

function inclusionTerm(value: string): Designation {
  return { language: 'en', value };
}

function billable(value: boolean) {
  return { code: 'billable', type: 'boolean', value } as const;
}

/** S00.0 with A is S00.0XXA: the places between are filled. */
function extendedCodes({ code, display, extensions }: Node): SourceConcept[] {
  const [category = '', rest = ''] = code.split('.');
  return [...extensions].map(([character, meaning]) => ({
    code: `${category}.${rest.padEnd(extendedLength - category.length, 'X')}${character}`,
    display: `${display}, ${meaning}`,
    parents: [code],
    properties: [billable(true)],
  }));
}
