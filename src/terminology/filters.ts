// The filters of a value set's composition: https://hl7.org/fhir/R4/valueset-filter-operator.html

import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
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
      return await equal(reader, ask.property, ask.value);
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
/** Properties that are not values of the concept's own list. */
const ofOwn: ReadonlySet<string> = new Set(['parent', 'child', 'display', 'inactive']);

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

async function equal(reader: SystemReader, property: string, value: string): Promise<ConceptSet> {
  if (ofConcept.has(property)) return reader.of((await reader.byCodes([value])).map(({ id }) => id));
  if (property === 'parent') return await ofRelatives(reader, value, (concept) => reader.childrenOf(concept));
  if (property === 'child') return await ofRelatives(reader, value, (concept) => reader.byIds(concept.parents));
  if (property === 'display') return await reader.withDisplay(value);
  if (property === 'inactive') {
    const inactive = await reader.inactive();
    return value === 'true' ? inactive : reader.all.without(inactive);
  }
  return await reader.withAnyValue(property, [value]);
}

async function ofRelatives(
  reader: SystemReader,
  code: string,
  relatives: (concept: StoredConcept) => Promise<readonly StoredConcept[]>,
): Promise<ConceptSet> {
  const concept = await reader.concept(code);
  return concept ? reader.of((await relatives(concept)).map(({ id }) => id)) : reader.none;
}

async function anyOf(reader: SystemReader, { property, value }: Ask): Promise<ConceptSet> {
  const values = value.split(',').map((one) => one.trim());
  const most = ofOwn.has(property) ? ownListMax : listMax;
  if (values.length > most) throw fhirError('too-costly', `A filter of ${property} may list at most ${most} values.`);
  if (ofConcept.has(property)) return reader.of((await reader.byCodes(values)).map(({ id }) => id));
  if (!ofOwn.has(property)) return await reader.withAnyValue(property, values);
  let found = reader.none;
  for (const one of values) found = found.or(await equal(reader, property, one));
  return found;
}

async function existing(reader: SystemReader, { property, value }: Ask): Promise<ConceptSet> {
  const having = ofConcept.has(property) ? reader.all : await reader.withProperty(property);
  return value === 'true' ? having : reader.all.without(having);
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
