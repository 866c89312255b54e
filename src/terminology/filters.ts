// The filters of a value set's composition: https://hl7.org/fhir/R4/valueset-filter-operator.html

import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
import { conceptProperty, isTrue } from './concept-properties.ts';
import type { ConceptSet } from './concept-set.ts';
import { isOfSnomed, meetingSnomed } from './snomed-filters.ts';
import type { StoredConcept } from './stored-concept.ts';
import type { SystemReader } from './system-reader.ts';

export interface Ask {
  readonly property: string;
  readonly op: string;
  readonly value: string;
}

/** Concepts that an expression is tried on, and its characters. */
const regexConceptsMax = 50_000;
const regexLengthMax = 200;
/** Values of a filter. */
const listMax = 1_000;
/** Each of which is a statement of its own. */
const ownListMax = 20;

/** All filters have to be met. Throws a FhirError (400) naming the filter that cannot be answered. */
export async function conceptsThatMeet(reader: SystemReader, asks: readonly Ask[]): Promise<ConceptSet> {
  const sets = await all(asks.map((ask) => meeting(reader, ask)));
  return sets.reduce((all, set) => all.and(set), reader.all);
}

async function meeting(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  if (isOfSnomed(reader, ask)) return await meetingSnomed(reader, ask);
  switch (ask.op) {
    case '=':
      return await having(reader, ask, [ask.value]);
    case 'in':
      return await anyOf(reader, ask);
    case 'not-in':
      return reader.all.without(await anyOf(reader, ask));
    case 'exists':
      return await existing(reader, ask);
    case 'regex':
      return await matching(reader, ask);
    default:
      return await related(reader, ask);
  }
}

const hierarchical: ReadonlySet<string> = new Set(['is-a', 'descendent-of', 'is-not-a', 'generalizes']);
/** Names of the concept itself: https://hl7.org/fhir/R4/codesystem.html#defined-props and, for SNOMED CT, `concept`. */
const ofConcept: ReadonlySet<string> = new Set(['code', 'concept']);

async function related(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  const { property, op, value } = ask;
  if (!hierarchical.has(op) || !ofConcept.has(property)) throw unanswerable(reader, ask);
  requireHierarchy(reader);
  const concept = await requireConcept(reader, value);
  if (op === 'generalizes') return await reader.above([concept.id]);
  const below = reader.below(concept);
  if (op === 'is-a') return below;
  return op === 'is-not-a' ? reader.all.without(below) : below.without(reader.of([concept.id]));
}

/** https://hl7.org/fhir/R4/codesystem-hierarchy-meaning.html */
export function requireHierarchy({ system }: SystemReader): void {
  if (system.subsumes) return;
  throw fhirError('not-supported', `The hierarchy of the code system ${system.url} does not say what a concept is.`, {
    status: 400,
  });
}

async function requireConcept(reader: SystemReader, code: string): Promise<StoredConcept> {
  const concept = await reader.concept(code);
  if (concept) return concept;
  throw fhirError('code-invalid', `A filter asks for a code that ${reader.system.url} does not have.`, { status: 400 });
}

async function anyOf(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  const { property, value } = ask;
  const values = value.split(',').map((one) => one.trim());
  const most = conceptProperty(reader, property) ? ownListMax : listMax;
  if (values.length > most) throw fhirError('too-costly', `A filter of ${property} may list at most ${most} values.`);
  return await having(reader, ask, values);
}

/** One of the values. */
async function having(reader: SystemReader, ask: Ask, values: readonly string[]): Promise<ConceptSet> {
  if (ofConcept.has(ask.property)) return reader.of((await reader.byCodes(values)).map(({ id }) => id));
  const own = conceptProperty(reader, ask.property);
  if (!own) {
    await requireProperty(reader, ask);
    return await reader.withAnyValue(ask.property, values);
  }
  let found = reader.none;
  for (const value of values) found = found.or(await own.equal(reader, value));
  return found;
}

async function existing(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  const isWanted = isTrue(ask.value);
  const having = await havingAny(reader, ask);
  return isWanted ? having : reader.all.without(having);
}

async function havingAny(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  if (ofConcept.has(ask.property)) return reader.all;
  const own = conceptProperty(reader, ask.property);
  if (own) return await own.existing(reader);
  await requireProperty(reader, ask);
  return await reader.withProperty(ask.property);
}

/** Of a property nobody declares and no concept has, as of one that is spelt wrongly, not even `not-in` can be told. */
async function requireProperty(reader: SystemReader, ask: Ask): Promise<void> {
  const { property } = ask;
  if (reader.system.properties.some(({ code }) => code === property)) return;
  if (!(await reader.withProperty(property)).isEmpty) return;
  // Attributes of SNOMED CT are concepts themselves.
  if (await reader.concept(property)) return;
  throw unanswerable(reader, ask);
}

async function matching(reader: SystemReader, ask: Ask): Promise<ConceptSet> {
  const { property, value } = ask;
  if (!ofConcept.has(property) && property !== 'display') throw unanswerable(reader, ask);
  if (reader.system.conceptCount > regexConceptsMax) {
    throw fhirError('too-costly', `A regex filter is tried on at most ${regexConceptsMax} concepts.`);
  }
  if (value.length > regexLengthMax || !isPlainExpression(value)) {
    throw fhirError(
      'not-supported',
      `A regex filter has at most ${regexLengthMax} characters of literals, classes, groups and plain quantifiers.`,
      { status: 400 },
    );
  }
  return await reader.matching(property === 'display' ? 'display' : 'code', value);
}

const plainTokens =
  /^(?:\\[dwsDWS\-./\\()[\]{}|*+?^$]|\[\^?(?:[^[\]\\]|\\[dws\\[\]-])+\]|[.()|^$*+?]|\{\d{1,2}(?:,\d{0,2})?\}|[^\\[\](){}|*+?.^$])*$/u;

/**
 * What JavaScript and PostgreSQL understand alike, and PostgreSQL in linear time: no back references, no looking around, no
 * repeated groups of groups. One that PostgreSQL refused would end the transaction.
 */
function isPlainExpression(text: string): boolean {
  if (!plainTokens.test(text) || text.includes('(?') || /\)\{/.test(text)) return false;
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function unanswerable({ system }: SystemReader, { property, op }: Ask): Error {
  return fhirError('not-supported', `The filter "${property} ${op}" of ${system.url} cannot be answered here.`, {
    status: 400,
  });
}
