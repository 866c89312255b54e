// Whether a code is one of a code system or of a value set: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import type { ValueSet } from '@medplum/fhirtypes';
import { FhirError } from '../fhir/outcome.ts';
import { foldAllWords } from '../search/fold-text.ts';
import { grammarOfSystem } from './code-grammars.ts';
import { membersToCheck, nameOf, type SystemVersions } from './compose.ts';
import { displayIn, supplementedDesignations } from './describe-page.ts';
import { findSystem, type Queries } from './find-system.ts';
import { findCanonicalValueSet } from './find-value-set.ts';
import type { Listed, Members, Part } from './members.ts';
import { type Designation, keyOfCode, type SourceSystem } from './source-system.ts';
import type { StoredConcept, StoredSystem } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

export interface CodeCheck {
  readonly code: string;
  /** Undefined for an element that is a code alone: any system of the value set. */
  readonly system?: string | undefined;
  readonly version?: string | undefined;
  /** Has to be one of those the code system knows. */
  readonly display?: string | undefined;
  readonly displayLanguage?: string | undefined;
  /** A concept that only groups others will do. */
  readonly abstract?: boolean | undefined;
  /** Without a system: no two of the value set may have the code. */
  readonly isUnambiguous?: boolean;
}

export interface Verdict {
  readonly result: boolean;
  /** False where what it would take is not here: nobody can say that the code is wrong then. */
  readonly isCertain: boolean;
  readonly message?: string;
  /** What the code system shows for it. */
  readonly display?: string;
}

/** For bindings: undefined where there is no such value set here. What cannot be told here is uncertain, no error. */
export async function validateCode(trx: Queries, check: CodeCheck, valueSet: string): Promise<Verdict | undefined> {
  try {
    const found = await findCanonicalValueSet(trx, valueSet);
    return found && (await validateInValueSet(trx, found, check));
  } catch (error) {
    if (!(error instanceof FhirError) || error.status >= 500) throw error;
    return { result: false, isCertain: false, message: error.message };
  }
}

export async function validateInSystem(trx: Queries, system: StoredSystem, check: CodeCheck): Promise<Verdict> {
  const concept = await new SystemReader(trx, system).concept(check.code);
  return concept ? await judge(trx, system, concept, { code: concept.code }, check) : notIn(system);
}

/** In a code system that is not stored. */
export async function validateInSource(trx: Queries, source: SourceSystem, check: CodeCheck): Promise<Verdict> {
  const key = keyOfCode(check.code, source);
  const found = source.concepts.find(({ code }) => keyOfCode(code, source) === key);
  if (!found) return notIn(source);
  const { code, display = null, inactive = false, abstract = false, designations = [] } = found;
  const concept = { id: 0, code, key, display, inactive, abstract, parents: [], below: [], detail: { designations } };
  return await judge(trx, source, concept, { code }, check);
}

/** In a code system that is a grammar, of which there is no list; undefined for any other. */
export function validateByGrammar(system: string, { code }: CodeCheck): Verdict | undefined {
  const grammar = grammarOfSystem(system);
  if (!grammar) return undefined;
  if (grammar.matches(code)) return { result: true, isCertain: true };
  return { result: false, isCertain: true, message: `The code must be ${grammar.syntax}.` };
}

function notIn({ content, url }: Pick<StoredSystem, 'content' | 'url'>): Verdict {
  const isWhole = content === 'complete';
  const message = isWhole
    ? `The code system ${url} does not have this code.`
    : `Of the code system ${url} only a part is here, and this code is not in it.`;
  return { result: false, isCertain: isWhole, message };
}

/**
 * Only what the value set says of the system of the code is looked at. Throws a FhirError (400) where the code is not in
 * what can be told here, and something else cannot.
 */
export async function validateInValueSet(
  trx: Queries,
  valueSet: ValueSet,
  check: CodeCheck,
  versions: SystemVersions = {},
): Promise<Verdict> {
  const { members, doubts } = await membersToCheck(trx, valueSet, versions, check.system);
  const parts = partsOf(members, check);
  const verdicts: Verdict[] = [];
  const valid = new Map<string, Verdict>();
  for (const part of parts) {
    const verdict = await judgeIn(trx, part, check);
    if (verdict?.result) valid.set((part.system ?? part).url, verdict);
    else if (verdict) verdicts.push(verdict);
    if (verdict?.result && !check.isUnambiguous) return verdict;
  }
  if (valid.size > 1) {
    const systems = [...valid.keys()].slice(0, 5).join(', ');
    return {
      result: false,
      isCertain: true,
      message: `Several code systems have this code (${systems}): give its system.`,
    };
  }
  const [only] = valid.values();
  if (only) return only;
  const [doubt] = doubts;
  if (doubt) throw doubt;
  const told = verdicts.find(({ isCertain }) => !isCertain) ?? verdicts[0];
  if (told) return told;
  const isHere = check.system === undefined || (await findSystem(trx, check.system, check.version)) !== undefined;
  const version = check.version === undefined ? '' : ' in this version';
  const reason = isHere ? '' : `; the code system ${check.system} is not here${version}`;
  const isCertain = parts.every(({ system }) => !system || system.content === 'complete');
  return { result: false, isCertain, message: `${nameOf(valueSet)} does not hold this code${reason}.` };
}

function partsOf(members: Members, { system, version }: CodeCheck): Part[] {
  return [...members.values()].filter((part) => {
    const own = part.system ?? part;
    if (system !== undefined && own.url !== system) return false;
    return version === undefined || own.version === '' || own.version === version;
  });
}

/** Undefined where the code is not in this part. */
async function judgeIn(trx: Queries, part: Part, check: CodeCheck): Promise<Verdict | undefined> {
  if (!part.system) {
    const listed = part.listed.get(check.code);
    if (listed) return judgeTexts(listed.display, listed.designations ?? [], check, listed.abstract);
    if (!part.isWhole) return undefined;
    const message = `The code system ${part.url} is not here, so that its codes cannot be checked.`;
    return validateByGrammar(part.url, check) ?? { result: false, isCertain: false, message };
  }
  const concept = await new SystemReader(trx, part.system).concept(check.code);
  if (!concept || !part.set.has(concept.id)) return undefined;
  return await judge(trx, part.system, concept, part.listed.get(concept.id) ?? { code: concept.code }, check);
}

async function judge(
  trx: Queries,
  system: Pick<StoredSystem, 'url' | 'version'>,
  concept: StoredConcept,
  listed: Listed,
  check: CodeCheck,
): Promise<Verdict> {
  const needsTexts = check.display !== undefined || check.displayLanguage !== undefined;
  const added = needsTexts ? await supplementedDesignations(trx, system, [concept]) : new Map<string, Designation[]>();
  const designations = [
    ...(listed.designations ?? []),
    ...(concept.detail?.designations ?? []),
    ...(added.get(concept.code) ?? []),
    ...(concept.display === null ? [] : [{ value: concept.display }]),
  ];
  return judgeTexts(listed.display ?? concept.display ?? undefined, designations, check, concept.abstract);
}

function judgeTexts(
  usual: string | undefined,
  designations: readonly Designation[],
  check: CodeCheck,
  abstract = false,
): Verdict {
  const display = displayIn(check.displayLanguage, designations) ?? usual;
  const shown = display === undefined ? {} : { display };
  if (abstract && !check.abstract) {
    return { result: false, isCertain: true, message: 'The concept only groups others (abstract).', ...shown };
  }
  const texts = [usual, ...designations.map(({ value }) => value)].flatMap((text) => text ?? []);
  // Without any text there is nothing to hold a display to.
  if (check.display === undefined || texts.length === 0 || texts.some((text) => isSameText(text, check.display ?? '')))
    return { result: true, isCertain: true, ...shown };
  return { result: false, isCertain: true, message: 'The display is not one of this code.', ...shown };
}

/** Case, accents and white space do not matter. */
function isSameText(one: string, other: string): boolean {
  return foldAllWords(one).join(' ') === foldAllWords(other).join(' ');
}
