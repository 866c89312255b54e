// Resources of any type with every element filled, made from the definitions alone: what a test says of a type holds for its elements too.

import type { Resource } from '@medplum/fhirtypes';
import type { ElementDefinition } from '../../src/fhir/definitions/snapshot.ts';
import type { Definitions, Property } from '../../src/fhir/definitions.ts';
import { ownExtensions } from './own-extensions.ts';

export interface Sample {
  /** Samples of two families share no text, code, date or reference where the definitions leave a choice. */
  readonly family: 0 | 1;
  /** Which of several types and codes an element has. */
  readonly variant: number;
  /** With what is required only. */
  readonly isMinimal?: boolean;
}

type Node = Record<string, unknown>;

/** Never filled: they mean the same in every type, or nest without end. */
const left: ReadonlySet<string> = new Set([
  'id',
  'meta',
  'extension',
  'modifierExtension',
  'implicitRules',
  'contained',
]);
const depthMax = 8;

export function sampleResource(definitions: Definitions, type: string, sample: Sample): Resource {
  const { family, variant, isMinimal = false } = sample;
  const meta = isMinimal ? {} : { meta: sampleMeta(family) };
  const extension = isMinimal ? [] : ownExtensions(type, family).filter(({ url }) => !isServers(url));
  return {
    ...{ resourceType: type, ...meta, ...objectOf(type, []), ...dependent(type, sample) },
    ...(extension.length > 0 && { extension }),
  } as unknown as Resource;

  function objectOf(typeName: string, trail: readonly string[]): Node {
    const known = special[typeName];
    if (known) return known(family, variant);
    const node: Node = {};
    for (const choices of byElement(definitions, typeName)) {
      const [, { element }] = choices[0] as [string, Property];
      if (!element.isRequired && (isMinimal || isLeft(element, typeName, trail))) continue;
      const [name, property] = choices[variant % choices.length] as [string, Property];
      const value = sampleValue(property, [...trail, typeName]);
      if (value !== undefined) node[name] = element.repeats ? listOf(value, typeName) : value;
    }
    Object.assign(node, arranged[typeName]?.(family, variant, isMinimal));
    return Object.keys(node).length > 0 ? node : firstMember(typeName, trail);
  }

  /** FHIR has no empty objects. */
  function firstMember(typeName: string, trail: readonly string[]): Node {
    const own = byElement(definitions, typeName).find(([first]) => !left.has(first?.[0] ?? ''));
    if (!own?.[0]) throw new Error(`${typeName} has nothing of its own.`);
    const [name, property] = own[0];
    const value = sampleValue(property, [...trail, typeName]);
    return { [name]: property.element.repeats ? [value] : value };
  }

  function sampleValue({ element, type: elementType, isPrimitive }: Property, trail: readonly string[]): unknown {
    const { code, targets } = elementType;
    if (code === 'Reference') return { reference: `${targets?.[variant % targets.length] ?? 'Patient'}/r${family}` };
    if (code === 'Resource') return innerResource(family, variant);
    const { strength, valueSet = '' } = element.binding ?? {};
    const required = strength === 'required' ? codesOf(definitions, valueSet) : undefined;
    const bound = required && [...required.codes][(variant + family) % required.codes.size];
    if (bound !== undefined && code === 'code') return bound;
    if (required && bound !== undefined && concepts.has(code)) {
      const coding = { system: [...required.systems][0], code: bound };
      return code === 'Coding' ? coding : { coding: [coding], text: words[family] };
    }
    if (!isPrimitive) return objectOf(code, trail);
    if (element.name === 'max' && code === 'string') return ['1', '*'][family];
    const value = ofGrammar[urlOf(valueSet)]?.[family] ?? primitive(code, family);
    // What ends does so after it began.
    return element.name === 'end' && typeof value === 'string' ? value.replace('-03-05T', '-09-06T') : value;
  }
}

/** With a type a payment would be this clinic's money (contract.md 50); the order of a queue is the server's own. */
function isServers(url: string): boolean {
  return url.endsWith('-PaymentReconciliation.type') || url.endsWith('/queue-order');
}

/** What links links two things. */
function listOf(value: unknown, typeName: string): unknown[] {
  return typeName === 'Linkage' ? [value, value] : [value];
}

/** Members that make sense only together. */
function dependent(type: string, { family, isMinimal = false }: Sample): Node {
  // An active one would be searched by, or be a profile.
  const inert = { status: ['draft', 'retired'][family] };
  if (type === 'SearchParameter') return inert;
  if (type === 'Bundle') return isMinimal ? { type: ['collection', 'searchset'][family] } : {};
  if (type === 'Appointment' && isMinimal) return { status: 'proposed' };
  // An Appointment and its Encounter say the same.
  if (type === 'Appointment') return { status: ['fulfilled', 'cancelled'][family] };
  if (type === 'Encounter') return { status: ['finished', 'cancelled'][family] };
  // Ended elsewhere: nothing is reckoned or posted for them.
  if (type === 'Invoice') return { status: ['cancelled', 'entered-in-error'][family] };
  if (type !== 'StructureDefinition') return {};
  const path = ['Patient', 'Observation'][family];
  const base = { path, min: 0, max: '*' };
  const common = { definition: words[family], min: 0, max: '*', base };
  const binding = { strength: 'example', valueSet: primitive('canonical', family) };
  const element = [
    { id: path, path, ...common },
    { id: `${path}.${words[family]}`, path: `${path}.${words[family]}`, ...common, type: [{ code: 'code' }], binding },
  ];
  const baseDefinition = primitive('canonical', family);
  return { ...inert, type: path, baseDefinition, snapshot: { element }, differential: { element } };
}

const concepts: ReadonlySet<string> = new Set(['Coding', 'CodeableConcept']);

function isLeft({ name }: ElementDefinition, typeName: string, trail: readonly string[]): boolean {
  if (left.has(name)) return true;
  // A datatype within itself, or far down, tells nothing new.
  return trail.includes(typeName) || trail.length >= depthMax;
}

/** Members that would contradict others of the resource. */
const arranged: Readonly<Record<string, (family: number, variant: number, isMinimal: boolean) => Node>> = {
  // obs-7
  'Observation.component': (family) => ({ code: { coding: [{ system: 'urn:walk:part', code: `part-${family}` }] } }),
  // What the project's own parameters look for.
  'PaymentReconciliation.detail': (family, _, isMinimal) =>
    isMinimal ? {} : { request: { reference: `Invoice/r${family}` } },
  // Sealed when it is written: subscriptions.test.ts.
  'Subscription.channel': () => ({ header: undefined }),
  // msq-6
  'MolecularSequence.referenceSeq': (_, variant, isMinimal) => {
    const sources = ['genomeBuild', 'referenceSeqId', 'referenceSeqPointer', 'referenceSeqString'];
    const others = sources.filter((__, index) => index !== variant % sources.length);
    // msq-5
    if (variant % sources.length !== 0) others.push('chromosome');
    return isMinimal ? {} : Object.fromEntries(others.map((name) => [name, undefined]));
  },
};

/** Where elements depend on each other, or stand for what a search looks at as a whole. */
const special: Readonly<Record<string, (family: number, variant: number) => Node>> = {
  CodeableConcept: (family) => ({
    coding: [{ system: `urn:walk:system-${family}`, code: `code-${family}` }],
    text: words[family],
  }),
  Coding: (family) => ({ system: `urn:walk:system-${family}`, code: `code-${family}` }),
  Identifier: (family) => ({ system: `urn:walk:identifier-${family}`, value: `identifier-${family}` }),
  Period: (family) => ({ start: primitive('dateTime', family), end: `${years[family]}-09-06T10:30:00Z` }),
  Timing: (family) => ({ event: [primitive('dateTime', family)] }),
  Narrative: (family) => ({ status: 'generated', div: primitive('xhtml', family) }),
  Quantity: (family) => measure(family, units),
  Age: (family) => measure(family, ['a', 'mo']),
  Duration: (family) => measure(family, ['h', 'min']),
};

function measure(family: number, codes: readonly string[]): Node {
  return { value: family + 1.5, system: 'http://unitsofmeasure.org', code: codes[family] };
}

/** Codes that no list has but a grammar, or a standard of its own. */
const ofGrammar: Readonly<Record<string, readonly string[]>> = {
  'http://hl7.org/fhir/ValueSet/languages': ['de-CH', 'en-GB'],
  'http://hl7.org/fhir/ValueSet/mimetypes': ['text/plain', 'image/png'],
  'http://hl7.org/fhir/ValueSet/currencies': ['CHF', 'EUR'],
};

const urlOf = (canonical: string) => canonical.split('|', 1)[0] ?? '';

/** Of a value set that is listed, and of units, which are too many for a list. */
function codesOf(definitions: Definitions, valueSet: string) {
  if (urlOf(valueSet) !== 'http://hl7.org/fhir/ValueSet/ucum-units') return definitions.valueSet(valueSet);
  return { systems: new Set(['http://unitsofmeasure.org']), codes: new Set(units) };
}

const years = ['2024', '1990'];
const units = ['kg', 'cm'];
const words = ['quartz', 'zebra'];

function sampleMeta(family: number): Node {
  const coding = (kind: string) => [{ system: `urn:walk:${kind}`, code: `${kind}-${family}` }];
  return {
    source: `urn:walk:source-${family}`,
    profile: [`http://walk.test/StructureDefinition/profile-${family}`],
    security: coding('security'),
    tag: coding('tag'),
  };
}

/** The first entry of a Bundle is what `Bundle.composition` and `Bundle.message` look at. */
function innerResource(family: number, variant: number): Node {
  const coding = { system: 'urn:walk:event', code: `event-${family}` };
  if (variant % 2 === 1) {
    const source = { endpoint: 'http://walk.test/endpoint' };
    return { resourceType: 'MessageHeader', id: `inner-${family}`, eventCoding: coding, source };
  }
  return {
    resourceType: 'Composition',
    id: `inner-${family}`,
    status: 'final',
    type: { coding: [coding] },
    date: primitive('dateTime', family),
    author: [{ reference: `Practitioner/r${family}` }],
    title: words[family],
  };
}

function primitive(code: string, family: number): unknown {
  const year = years[family];
  const word = words[family];
  const values: Readonly<Record<string, unknown>> = {
    base64Binary: ['aGVsbG8=', 'AAAA'][family],
    boolean: family === 0,
    canonical: `http://walk.test/canonical-${word}`,
    code: `code-${family}`,
    date: `${year}-03-05`,
    dateTime: `${year}-03-05T10:30:00Z`,
    decimal: family + 1.5,
    id: `id-${word}`,
    instant: `${year}-03-05T10:30:00Z`,
    // Where the first counts as 0 or as 1.
    integer: 1 - family,
    markdown: word,
    oid: `urn:oid:1.2.84${family}`,
    positiveInt: family + 1,
    string: word,
    time: `1${family}:30:00`,
    unsignedInt: family + 1,
    uri: `urn:walk:${word}`,
    url: `https://walk.test/${word}`,
    uuid: `urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4${family}`,
    xhtml: `<div xmlns="http://www.w3.org/1999/xhtml">${word}</div>`,
  };
  return values[code];
}

const grouped = new Map<string, [string, Property][][]>();

/** The properties of each element together: all variants of a choice are one element. */
function byElement(definitions: Definitions, typeName: string): [string, Property][][] {
  const known = grouped.get(typeName);
  if (known) return known;
  const groups = new Map<ElementDefinition, [string, Property][]>();
  for (const [name, property] of definitions.properties(typeName)) {
    groups.set(property.element, [...(groups.get(property.element) ?? []), [name, property]]);
  }
  grouped.set(typeName, [...groups.values()]);
  return [...groups.values()];
}
