// The concepts that meet an expression constraint of SNOMED CT: https://confluence.ihtsdotools.org/display/DOCECL

import { fhirError } from '../../fhir/outcome.ts';
import type { ConceptSet } from '../concept-set.ts';
import { membership } from '../snomed.ts';
import type { StoredConcept } from '../stored-concept.ts';
import type { SystemReader } from '../system-reader.ts';
import type { Expression, Refinement, RelativesOperator } from './expression.ts';
import { parseExpression } from './parse.ts';

/** Concepts that an operator stands before, those whose children are asked for, attributes, and values of one. */
const startsMax = 1_000;
const childrenStartsMax = 20;
const attributesMax = 20;
const valuesMax = 20_000;
/** Concepts that one expression has read, the same one each time. */
const readMax = 50_000;

/** Of active ones: https://confluence.ihtsdotools.org/display/DOCECL, "substrate". Throws a FhirError (400). */
export async function conceptsThatFit(reader: SystemReader, text: string): Promise<ConceptSet> {
  const found = await new Evaluation(reader).concepts(parseExpression(text));
  return found.without(await reader.inactive());
}

/** Throws where none of these reference sets was imported. */
export async function membersOfSets(reader: SystemReader, codes: readonly string[]): Promise<ConceptSet> {
  const found = await reader.withAnyValue(membership, codes);
  if (!found.isEmpty) return found;
  const remedy = 'import the distribution with its reference sets';
  throw fhirError('not-supported', `The members of this reference set are not here; ${remedy}.`, { status: 400 });
}

/** One thing after the other: a connection has one statement at a time anyway. */
class Evaluation {
  readonly #reader: SystemReader;
  #read = 0;

  constructor(reader: SystemReader) {
    this.#reader = reader;
  }

  async concepts(expression: Expression): Promise<ConceptSet> {
    switch (expression.kind) {
      case 'any':
        return this.#reader.all;
      case 'concept':
        return this.#reader.of([(await this.#concept(expression.code)).id]);
      case 'relatives':
        return await this.#relatives(expression.operator, expression.of);
      case 'members':
        return await this.#members(expression.of);
      case 'minus':
        return (await this.concepts(expression.from)).without(await this.concepts(expression.without));
      case 'refined':
        return (await this.concepts(expression.of)).and(await this.#having(expression.by));
      default:
        return await this.#combined(expression, (part) => this.concepts(part));
    }
  }

  async #combined<T>(
    { kind, parts }: { readonly kind: 'and' | 'or'; readonly parts: readonly T[] },
    evaluate: (part: T) => Promise<ConceptSet>,
  ): Promise<ConceptSet> {
    let result = kind === 'and' ? this.#reader.all : this.#reader.none;
    for (const part of parts) {
      const set = await evaluate(part);
      result = kind === 'and' ? result.and(set) : result.or(set);
    }
    return result;
  }

  async #relatives(operator: RelativesOperator, of: Expression): Promise<ConceptSet> {
    if (of.kind === 'any' && (operator === '<<' || operator === '>>')) return this.#reader.all;
    const starts = await this.#starts(of);
    const ids = starts.map(({ id }) => id);
    const parents = starts.flatMap((one) => one.parents);
    switch (operator) {
      case '<<':
        return this.#below(starts, true);
      case '<':
        return this.#below(starts, false);
      case '<!':
        return await this.#children(starts);
      case '<<!':
        return (await this.#children(starts)).or(this.#reader.of(ids));
      case '>>':
        return await this.#reader.above(ids);
      case '>':
        return await this.#reader.above(parents);
      case '>!':
        return this.#reader.of(parents);
      default:
        return this.#reader.of([...parents, ...ids]);
    }
  }

  #below(starts: readonly StoredConcept[], withOwn: boolean): ConceptSet {
    const set = this.#reader.none;
    for (const { id, below } of starts) {
      for (let at = 0; at < below.length; at += 2) {
        const [low, high] = [below[at] as number, below[at + 1] as number];
        if (withOwn || id < low || id > high) set.addSpan(low, high);
        else {
          set.addSpan(low, id - 1);
          set.addSpan(id + 1, high);
        }
      }
    }
    return set;
  }

  async #children(starts: readonly StoredConcept[]): Promise<ConceptSet> {
    requireAtMost(childrenStartsMax, starts.length, 'concepts whose children are asked for');
    const set = this.#reader.none;
    for (const one of starts) {
      const children = await this.#reader.childrenOf(one);
      this.#spend(children.length);
      for (const { id } of children) set.add(id);
    }
    return set;
  }

  async #members(of: Expression): Promise<ConceptSet> {
    if (of.kind === 'any') return await this.#reader.withProperty(membership);
    const sets = await this.#starts(of);
    return await membersOfSets(
      this.#reader,
      sets.map(({ code }) => code),
    );
  }

  async #having(refinement: Refinement): Promise<ConceptSet> {
    if (refinement.kind !== 'attribute') return await this.#combined(refinement, (part) => this.#having(part));
    if (refinement.name.kind === 'any') {
      throw fhirError('not-supported', 'An expression constraint has to name its attributes here.', { status: 400 });
    }
    const names = await this.#starts(refinement.name);
    requireAtMost(attributesMax, names.length, 'attributes');
    const values = refinement.value.kind === 'any' ? undefined : await this.#codes(refinement.value);
    let all = this.#reader.none;
    for (const { code } of names) {
      const having = values ? this.#reader.withAnyValue(code, values) : this.#reader.withProperty(code);
      all = all.or(await having);
    }
    return all;
  }

  async #codes(expression: Expression): Promise<string[]> {
    const set = await this.concepts(expression);
    requireAtMost(valuesMax, set.count, 'values of an attribute');
    this.#spend(set.count);
    return (await this.#reader.byIds(set.slice(0, valuesMax), true)).map(({ code }) => code);
  }

  async #starts(expression: Expression): Promise<readonly StoredConcept[]> {
    if (expression.kind === 'concept') return [await this.#concept(expression.code)];
    const set = await this.concepts(expression);
    requireAtMost(startsMax, set.count, 'concepts that an operator stands before');
    this.#spend(set.count);
    return await this.#reader.byIds(set.slice(0, startsMax));
  }

  async #concept(code: string): Promise<StoredConcept> {
    const concept = await this.#reader.concept(code);
    if (concept) return concept;
    throw fhirError('code-invalid', 'An expression constraint names a concept that SNOMED CT does not have here.', {
      status: 400,
    });
  }

  #spend(count: number): void {
    this.#read += count;
    requireAtMost(readMax, this.#read, 'concepts read');
  }
}

function requireAtMost(most: number, count: number, what: string): void {
  if (count <= most) return;
  throw fhirError('too-costly', `An expression constraint may have at most ${most} ${what}; this one has ${count}.`);
}
