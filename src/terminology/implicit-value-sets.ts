// Value sets that nobody has to store: SNOMED CT's and LOINC's by their urls, and all concepts of a code system: https://hl7.org/fhir/R4/terminologies-systems.html

import type { ValueSet, ValueSetComposeInclude, ValueSetComposeIncludeFilter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { findSystem, findSystemOfValueSet, type Queries } from './find-system.ts';
import { answerListProperty, loincUrl } from './loinc.ts';
import { snomedUrl } from './snomed.ts';
import { SystemReader } from './system-reader.ts';

/** Edition and version belong to the code system's own URI: https://hl7.org/fhir/R4/snomedct.html#implicit */
const ofSnomed = /^(http:\/\/snomed\.info\/sct(?:\/[\d/a-z]*)?)\?fhir_vs(?:=(.*))?$/s;
const ofConcept = /^(isa|refset)\/(\d{6,18})$/;
const expressionStart = 'ecl/';
const ofLoinc = /^http:\/\/loinc\.org\/vs(?:\/(L[LP]\d{1,10}-\d))?$/;

/** The url of a canonical, and the version behind its bar; an expression has bars of its own. */
export function splitCanonical(canonical: string): readonly [url: string, version: string | undefined] {
  if (ofSnomed.test(canonical)) return [canonical, undefined];
  const [url = '', version] = canonical.split('|');
  return [url, version];
}

/** Throws a FhirError (400) for a url of SNOMED CT that is none of its forms. */
export async function implicitValueSet(trx: Queries, url: string): Promise<ValueSet | undefined> {
  const snomed = ofSnomed.exec(url);
  if (snomed) return valueSetOf(url, includeOfSnomed(snomed[1] ?? '', snomed[2]));
  const loinc = ofLoinc.exec(url);
  if (loinc) return await valueSetOfLoinc(trx, url, loinc[1]);
  const system = await findSystemOfValueSet(trx, url);
  return system && valueSetOf(url, { system: system.url });
}

function includeOfSnomed(base: string, asked: string | undefined): ValueSetComposeInclude {
  const version = base === snomedUrl ? {} : { version: base };
  const filter = asked === undefined ? undefined : filterOfSnomed(asked);
  return { system: snomedUrl, ...version, ...(filter && { filter: [filter] }) };
}

function filterOfSnomed(asked: string): ValueSetComposeIncludeFilter {
  const [, kind, code = ''] = ofConcept.exec(asked) ?? [];
  if (kind === 'isa') return { property: 'concept', op: 'is-a', value: code };
  if (kind === 'refset') return { property: 'concept', op: 'in', value: code };
  if (asked === 'refset') return { property: 'refset', op: 'exists', value: 'true' };
  if (asked.startsWith(expressionStart)) {
    return { property: 'constraint', op: '=', value: decoded(asked.slice(expressionStart.length)) };
  }
  const forms = '?fhir_vs, ?fhir_vs=isa/[sctid], ?fhir_vs=refset, ?fhir_vs=refset/[sctid] and ?fhir_vs=ecl/[ecl]';
  throw fhirError('not-supported', `SNOMED CT's implicit value sets are ${forms}.`, { status: 400 });
}

/** As it stands in the url, or percent encoded within it. */
function decoded(expression: string): string {
  try {
    return decodeURIComponent(expression);
  } catch {
    throw fhirError('invalid', 'The expression constraint in the url is not percent encoded as it should be.', {
      status: 400,
    });
  }
}

/** https://hl7.org/fhir/R4/loinc.html#implicit: all of it, the answers of a list, or what is below a part, where these were imported. */
async function valueSetOfLoinc(trx: Queries, url: string, of: string | undefined): Promise<ValueSet | undefined> {
  if (of === undefined) return valueSetOf(url, { system: loincUrl });
  const system = await findSystem(trx, loincUrl);
  const reader = system && new SystemReader(trx, system);
  if (of.startsWith('LP')) return (await reader?.concept(of)) && valueSetOf(url, ofLoincWhere('ancestor', of));
  const answers = await reader?.withAnyValue(answerListProperty, [of]);
  return answers && !answers.isEmpty ? valueSetOf(url, ofLoincWhere(answerListProperty, of)) : undefined;
}

function ofLoincWhere(property: string, value: string): ValueSetComposeInclude {
  return { system: loincUrl, filter: [{ property, op: '=', value }] };
}

function valueSetOf(url: string, include: ValueSetComposeInclude): ValueSet {
  return { resourceType: 'ValueSet', status: 'active', url, compose: { include: [include] } };
}
