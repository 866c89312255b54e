// A valid resource with a canary in each element that can hold text, found by walking the definitions: https://hl7.org/fhir/R4/datatypes.html

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions, Property } from '../../src/fhir/definitions.ts';
import type { Issue } from '../../src/fhir/outcome.ts';
import type { Validate } from '../../src/validation/validate.ts';
import { sampleResource } from '../api/capabilities-samples.ts';
import { meetInvariants } from '../api/meet-invariants.ts';
import type { ElementWords } from './element-words.ts';

type Node = Record<string, unknown>;

/** A text that was put into a resource, and how to take it out again. */
export interface Leaf {
  /** `Patient.contact.name.family`. */
  readonly path: string;
  readonly steps: readonly string[];
  readonly text: string;
  /** Around others, which are blamed before it. */
  readonly isHolder?: true;
  revert(): void;
}

export interface Planted {
  readonly resource: Resource;
  /** Those that are still in it. */
  leaves: Leaf[];
}

const roundsMax = 25;

/** Undefined where a variant cannot meet R4's invariants. */
export function plantElements(
  definitions: Definitions,
  validate: Validate,
  words: ElementWords,
  type: string,
  variant: number,
): Planted | undefined {
  const sample = sampleResource(definitions, type, { family: 0, variant });
  const valid = meetInvariants(validate, sample, variant);
  if (!valid) return undefined;
  const planter = new Planter(definitions, words, variant);
  // Not structuredClone, which keeps it when two places share an object.
  const resource = JSON.parse(JSON.stringify(valid)) as Resource;
  planter.fillResource(resource as unknown as Node, type);
  const planted: Planted = { resource, leaves: planter.leaves };
  for (let round = 0; round < roundsMax; round++) {
    const issues = validate(resource);
    if (issues.length === 0) return planted;
    if (!takeOut(planted, issues)) break;
  }
  return undefined;
}

/** Takes out what an error speaks of; false where it speaks of nothing that was put in. */
export function takeOut(planted: Planted, issues: readonly Pick<Issue, 'expression'>[]): boolean {
  const blamed = new Set<Leaf>();
  for (const { expression = [] } of issues) {
    for (const text of expression) {
      const steps = text.split(/[.[\]]+/).slice(1);
      const met = planted.leaves.filter((leaf) => meets(leaf.steps, steps.filter(Boolean)));
      // Codes and their systems are wrong more often than the words beside them.
      const codes = met.filter(({ path }) => /\.(?:system|code|version|reference)$/.test(path));
      const texts = met.filter(({ isHolder }) => !isHolder);
      for (const leaf of [codes, texts, met].find(({ length }) => length > 0) ?? []) blamed.add(leaf);
    }
  }
  for (const leaf of blamed) leaf.revert();
  prune(planted.resource);
  const holders = [...blamed].filter(({ isHolder }) => isHolder);
  const isGone = (leaf: Leaf) => blamed.has(leaf) || holders.some(({ steps }) => isWithin(leaf.steps, steps));
  planted.leaves = planted.leaves.filter((leaf) => !isGone(leaf));
  return blamed.size > 0;
}

/** FHIR has no empty objects, and no lists without items. */
function prune(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return node === undefined;
  for (const [name, value] of Object.entries(node)) {
    if (prune(value) && !Array.isArray(node)) delete (node as Node)[name];
  }
  return Object.keys(node).length === 0 || (Array.isArray(node) && node.every(isEmpty));
}

function isEmpty(item: unknown): boolean {
  return typeof item === 'object' && item !== null && Object.keys(item).length === 0;
}

function isWithin(steps: readonly string[], outer: readonly string[]): boolean {
  return outer.every((step, index) => steps[index] === step);
}

/** Whether one is within the other; an error names `value` what JSON calls `valueString`. */
function meets(leaf: readonly string[], blamed: readonly string[]): boolean {
  const common = Math.min(leaf.length, blamed.length);
  return blamed.slice(0, common).every((step, index) => leaf[index]!.startsWith(step));
}

const textTypes: Readonly<Record<string, (word: string) => string>> = {
  string: (word) => word,
  markdown: (word) => `A note on ${word}.`,
  code: (word) => word,
  id: (word) => word,
  uri: (word) => `urn:canary:${word}`,
  url: (word) => `https://canary.test/${word}`,
  canonical: (word) => `https://canary.test/${word}`,
  base64Binary: (word) => Buffer.from(`Of ${word}, scanned.`).toString('base64'),
  xhtml: (word) => `<div xmlns="http://www.w3.org/1999/xhtml"><p>About ${word}.</p></div>`,
};

/** Their texts are words with a meaning, or what the server fills in. */
const left: ReadonlySet<string> = new Set(['resourceType', 'meta', 'contained', 'modifierExtension', 'implicitRules']);

/** What a StructureDefinition's elements may not have at its root, or must be called: sdf-8, sdf-9, sdf-18, sdf-23, eld-5. */
const definers =
  /^StructureDefinition\.(?:type|contextInvariant|\w+\.element\.(?:sliceName|label|requirements|code\b.*|contentReference|path|base\.path))$/;

class Planter {
  readonly leaves: Leaf[] = [];
  readonly #definitions: Definitions;
  readonly #words: ElementWords;
  readonly #variant: number;

  constructor(definitions: Definitions, words: ElementWords, variant: number) {
    this.#definitions = definitions;
    this.#words = words;
    this.#variant = variant;
  }

  fillResource(resource: Node, type: string): void {
    this.#fill(resource, type, type, []);
    this.#fillMeta(resource, type);
    // Only those of references name chains (spd-2): a rule of the whole resource would blame every text in it.
    if (type === 'SearchParameter') resource.type = 'reference';
    if (!this.#definitions.properties(type).has('contained')) return;
    this.#contain(resource, type);
    if (type === 'Patient' || type === 'Basic') this.#extendByAllTypes(resource, type);
  }

  #fill(node: Node, typeName: string, path: string, steps: readonly string[]): void {
    for (const [name, property] of this.#definitions.properties(typeName)) {
      const { element, type } = property;
      if (left.has(name) || element.name === 'extension' || (steps.length === 0 && name === 'id')) continue;
      const at = [...steps, name];
      const below = `${path}.${name}`;
      if (property.isPrimitive) this.#fillText(node, name, property, below, at);
      else if (typeName === 'Reference' && name === 'identifier') this.#identify(node, below, at);
      else if (type.code !== 'Resource') {
        for (const [item, index] of itemsOf(node[name])) this.#fill(item, type.code, below, [...at, ...index]);
      }
    }
  }

  /** What points to somebody may also tell a number of his. */
  #identify(reference: Node, path: string, steps: readonly string[]): void {
    if (reference.identifier !== undefined || reference.reference === undefined) return;
    const identifier: Node = {};
    reference.identifier = identifier;
    this.#fill(identifier, 'Identifier', path, steps);
  }

  #fillText(node: Node, name: string, { element, type }: Property, path: string, steps: readonly string[]): void {
    const write = textTypes[type.code] ?? (element.isAttribute && name === 'id' ? textTypes.string : undefined);
    if (!write || element.binding?.strength === 'required') return;
    // Not of the person, but the name of a type.
    if (path.endsWith('.type') && type.code === 'uri') return;
    if (definers.test(path)) return;
    // Of a choice only what is there already; a reference stays where the clinic's rules need one.
    if (element.isChoice && node[name] === undefined) return;
    if (name === 'reference' && type.code === 'string' && this.#variant % 2 === 0) return;
    const external = name === 'reference' && typeof node[name] === 'string';
    if (name === 'reference' && !external) return;
    const word = this.#words.wordOf(path);
    const text = external ? `https://canary.test/${word}/fhir/${String(node[name])}` : write(word);
    this.#put(node, name, element.repeats ? [text] : text, path, steps);
  }

  #put(node: Node, name: string, value: unknown, path: string, steps: readonly string[]): void {
    const before = node[name];
    node[name] = value;
    const revert = () => {
      if (before === undefined) delete node[name];
      else node[name] = before;
    };
    this.leaves.push({ path, steps, text: textIn(value), revert });
  }

  #fillMeta(resource: Node, type: string): void {
    resource.meta ??= {};
    const meta = resource.meta as Node;
    const word = (path: string) => this.#words.wordOf(`${type}.meta.${path}`);
    const put = (name: string, value: unknown) => this.#put(meta, name, value, `${type}.meta.${name}`, ['meta', name]);
    put('source', textTypes.uri!(word('source')));
    put('profile', [textTypes.canonical!(word('profile'))]);
    for (const kind of ['tag', 'security']) {
      meta[kind] = [{}];
      const [coding] = meta[kind] as [Node];
      for (const name of ['system', 'code', 'display']) {
        const text = (name === 'system' ? textTypes.uri : textTypes.code)!(word(`${kind}.${name}`));
        this.#put(coding, name, text, `${type}.meta.${kind}.${name}`, ['meta', kind, '0', name]);
      }
    }
  }

  /** dom-3: what is contained is referred to. */
  #contain(resource: Node, type: string): void {
    const word = (path: string) => this.#words.wordOf(`${type}.${path}`);
    const url = textTypes.url!(word('extension.url'));
    const inside = { resourceType: 'Organization', id: 'inside', name: word('contained.name') };
    const extensions = [
      { url, valueString: word('extension.valueString') },
      {
        url: `${url}/inside`,
        valueReference: { reference: '#inside', display: word('extension.valueReference.display') },
      },
    ];
    const before = { contained: resource.contained, extension: resource.extension };
    resource.contained = [inside];
    resource.extension = [...((before.extension as unknown[]) ?? []), ...extensions];
    const revert = () => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete resource[name];
        else resource[name] = value;
      }
    };
    const first = String((resource.extension as unknown[]).length - 2);
    const leaf = (path: string, text: string, ...steps: string[]): Leaf => ({
      ...{ path: `${type}.${path}`, text, steps, isHolder: true, revert },
    });
    this.leaves.push(
      leaf('contained.name', inside.name, 'contained'),
      leaf('extension.url', url, 'extension', first),
      leaf('extension.valueString', word('extension.valueString'), 'extension', first),
      leaf('extension.valueReference.display', word('extension.valueReference.display'), 'extension', first),
    );
  }

  /** One extension for each type that `value[x]` may have, and one on a primitive. */
  #extendByAllTypes(resource: Node, type: string): void {
    const all = resource.extension as Node[];
    for (const [name, property] of this.#definitions.properties('Extension')) {
      if (!name.startsWith('value')) continue;
      const { type: valueType, isPrimitive } = property;
      const path = `${type}.extension.${name}`;
      const url = `https://canary.test/${name}`;
      const steps = ['extension', String(all.length)];
      if (isPrimitive) {
        const write = textTypes[valueType.code];
        if (!write) continue;
        const text = write(this.#words.wordOf(path));
        all.push({ url, [name]: text });
        this.leaves.push({ path, steps, text, revert: emptied(all) });
        continue;
      }
      const {
        resourceType: _,
        meta: __,
        ...value
      } = sampleResource(this.#definitions, valueType.code, {
        family: 0,
        variant: this.#variant,
        isMinimal: false,
      }) as unknown as Node;
      all.push({ url, [name]: value });
      this.leaves.push({ path: `${path}.url`, steps, text: url, isHolder: true, revert: emptied(all) });
      this.#fill(value, valueType.code, path, [...steps, name]);
    }
    const onPrimitive = [
      { url: 'https://canary.test/primitive', valueString: this.#words.wordOf(`${type}._language`) },
    ];
    this.#put(resource, '_language', { extension: onPrimitive }, `${type}._language`, ['language']);
  }
}

/** Puts something harmless into the last place, so that the others keep theirs. */
function emptied(all: Node[]): () => void {
  const index = all.length - 1;
  return () => {
    all[index] = { url: 'https://canary.test/nothing', valueBoolean: true };
  };
}

function itemsOf(value: unknown): [Node, string[]][] {
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value)) return [[value as Node, []]];
  return value.flatMap((item, index) =>
    typeof item === 'object' && item !== null ? [[item as Node, [String(index)]] as [Node, string[]]] : [],
  );
}

/** What must be in the answer when it is read again. */
function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return textIn(value[0]);
  const { div, extension } = value as { div?: string; extension?: { valueString: string }[] };
  return div ?? extension?.[0]?.valueString ?? '';
}
