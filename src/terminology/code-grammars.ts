// Code systems that are a grammar instead of a list: https://hl7.org/fhir/R4/terminologies-systems.html

import { isCurrency } from './currency.ts';
import { isLanguageTag } from './language-tag.ts';
import { isMediaType } from './media-type.ts';
import { isUcumCode } from './ucum.ts';

export interface CodeGrammar {
  readonly system: string;
  matches(code: string): boolean;
  /** What is expected, to be read after "must be". */
  readonly syntax: string;
}

/** True unless the system has a grammar and the code does not follow it. Codings are many, so strings are compared last. */
export function fitsSystem(system: string, code: string): boolean {
  const { length } = system;
  if (length !== 15 && length !== 25) return true;
  return grammarOfSystem(system)?.matches(code) ?? true;
}

export function grammarOfSystem(system: string): CodeGrammar | undefined {
  return systemGrammars.find((grammar) => grammar.system === system);
}

/** The grammar of all codes of a value set. Languages outside the preferred list are still language tags (maxValueSet). */
export function grammarOf(valueSet: string, strength: string): CodeGrammar | undefined {
  const grammar = valueSets[valueSet];
  return grammar === languages || strength === 'required' ? grammar : undefined;
}

export const ucumSystem = 'http://unitsofmeasure.org';

const languages: CodeGrammar = {
  system: 'urn:ietf:bcp:47',
  matches: isLanguageTag,
  syntax: 'a language tag of BCP 47, such as de-CH',
};
const mediaTypes: CodeGrammar = {
  system: 'urn:ietf:bcp:13',
  matches: isMediaType,
  syntax: 'a media type of BCP 13, such as application/pdf',
};
const units: CodeGrammar = {
  system: ucumSystem,
  matches: isUcumCode,
  syntax: 'a unit of UCUM, such as mm[Hg] or 10*3/uL',
};
const currencies: CodeGrammar = {
  system: 'urn:iso:std:iso:4217',
  matches: isCurrency,
  syntax: 'a currency of ISO 4217, such as EUR',
};

const systemGrammars: readonly CodeGrammar[] = [units, languages, mediaTypes];

const valueSets: Readonly<Record<string, CodeGrammar>> = {
  'http://hl7.org/fhir/ValueSet/languages': languages,
  'http://hl7.org/fhir/ValueSet/mimetypes': mediaTypes,
  'http://hl7.org/fhir/ValueSet/ucum-units': units,
  'http://hl7.org/fhir/ValueSet/currencies': currencies,
};
