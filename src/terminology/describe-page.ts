// From the numbers of a page to what an expansion says of its codes: https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.contains

import type { ValueSetComposeIncludeConceptDesignation, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { all } from './all.ts';
import { findSupplements, type Queries } from './find-system.ts';
import type { Listed } from './members.ts';
import type { PagePart } from './page.ts';
import type { Designation } from './source-system.ts';
import type { StoredConcept, StoredSystem } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

/** How codes are shown. */
export interface Shown {
  readonly includeDesignations?: boolean | undefined;
  /** Only these, as `system|code` of their use or `urn:ietf:bcp:47|language`. */
  readonly designations?: readonly string[];
  /** A display in this language counts before the usual one. */
  readonly displayLanguage?: string | undefined;
}

export interface DescribedCode {
  readonly contains: ValueSetExpansionContains;
  /** Undefined for a code whose system is not here. */
  readonly system?: StoredSystem;
  readonly concept?: StoredConcept;
}

export async function describePage(trx: Queries, page: readonly PagePart[], shown: Shown): Promise<DescribedCode[]> {
  const parts = await all(page.map((part) => describePart(trx, part, shown)));
  return parts.flat();
}

async function describePart(trx: Queries, page: PagePart, shown: Shown): Promise<DescribedCode[]> {
  if (!page.system) {
    const { url, version } = page.part;
    return page.codes.map((listed) => ({ contains: describe({ url, version }, listed, undefined, [], shown) }));
  }
  const { system, ids, listed } = page;
  const concepts = await new SystemReader(trx, system).byIds(ids, !needsDesignations(shown));
  const added = needsDesignations(shown) ? await supplementedDesignations(trx, system, concepts) : noDesignations;
  return concepts.map((concept) => {
    const own = listed.get(concept.id) ?? { code: concept.code };
    return { contains: describe(system, own, concept, added.get(concept.code) ?? [], shown), system, concept };
  });
}

const noDesignations: ReadonlyMap<string, readonly Designation[]> = new Map();

function needsDesignations({ includeDesignations, displayLanguage }: Shown): boolean {
  return includeDesignations === true || displayLanguage !== undefined;
}

/** What supplements add, by code: https://hl7.org/fhir/R4/codesystem.html#supplements */
export async function supplementedDesignations(
  trx: Queries,
  system: Pick<StoredSystem, 'url' | 'version'>,
  concepts: readonly StoredConcept[],
): Promise<Map<string, Designation[]>> {
  const designations = new Map<string, Designation[]>();
  for (const { code, detail } of await supplementingConcepts(trx, system, concepts)) {
    designations.set(code, [...(designations.get(code) ?? []), ...(detail?.designations ?? [])]);
  }
  return designations;
}

export async function supplementingConcepts(
  trx: Queries,
  system: Pick<StoredSystem, 'url' | 'version'>,
  concepts: readonly StoredConcept[],
): Promise<StoredConcept[]> {
  const supplements = await findSupplements(trx, system);
  const codes = concepts.map(({ code }) => code);
  const found = await all(supplements.map((one) => new SystemReader(trx, one).byCodes(codes)));
  return found.flat();
}

function describe(
  { url, version }: Pick<StoredSystem, 'url' | 'version'>,
  listed: Listed,
  concept: StoredConcept | undefined,
  added: readonly Designation[],
  shown: Shown,
): ValueSetExpansionContains {
  const designations = [...(listed.designations ?? []), ...(concept?.detail?.designations ?? []), ...added];
  const display = displayIn(shown.displayLanguage, designations) ?? listed.display ?? concept?.display ?? undefined;
  const wanted = shown.includeDesignations ? designations.filter((one) => isWanted(one, shown.designations)) : [];
  return {
    system: url,
    ...(version !== '' && { version }),
    code: concept?.code ?? listed.code,
    ...(display !== undefined && { display }),
    ...((concept?.abstract ?? listed.abstract) && { abstract: true }),
    ...(concept?.inactive && { inactive: true }),
    ...(wanted.length > 0 && { designation: wanted.map(toDesignation) }),
  };
}

/** `de` is met by `de-CH` too: https://www.rfc-editor.org/rfc/rfc4647#section-3.3.1 */
export function displayIn(language: string | undefined, designations: readonly Designation[]): string | undefined {
  if (language === undefined) return undefined;
  const wanted = language.toLowerCase();
  return designations.find((one) => {
    const own = one.language?.toLowerCase();
    return own === wanted || own?.startsWith(`${wanted}-`);
  })?.value;
}

function isWanted({ language, use }: Designation, designations: readonly string[] = []): boolean {
  if (designations.length === 0) return true;
  return designations.includes(`urn:ietf:bcp:47|${language}`) || designations.includes(`${use?.system}|${use?.code}`);
}

export function toDesignation({ language, use, value }: Designation): ValueSetComposeIncludeConceptDesignation {
  return { ...(language !== undefined && { language }), ...(use && { use }), value };
}
