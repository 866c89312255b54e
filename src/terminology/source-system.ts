// A code system on its way into the tables, whatever it was read from: https://hl7.org/fhir/R4/codesystem.html

export interface SourceSystem {
  readonly url: string;
  /** Empty where it has none. */
  readonly version: string;
  readonly title: string;
  readonly content: SystemContent;
  /** Whether a concept includes what is below it (`hierarchyMeaning` is-a). */
  readonly subsumes: boolean;
  readonly caseSensitive: boolean;
  /** The canonical of the value set of all its concepts. */
  readonly valueSet?: string | undefined;
  /** The canonical of the code system that this one adds to. */
  readonly supplements?: string | undefined;
  readonly properties: readonly DeclaredProperty[];
  readonly concepts: readonly SourceConcept[];
}

/** What has none of its concepts is not kept. */
export type SystemContent = 'complete' | 'fragment' | 'example' | 'supplement';

export interface DeclaredProperty {
  readonly code: string;
  readonly description?: string;
}

export interface SourceConcept {
  readonly code: string;
  readonly display?: string | undefined;
  readonly definition?: string | undefined;
  readonly designations?: readonly Designation[];
  readonly properties?: readonly PropertyValue[];
  /** Codes of the concepts directly above; those that are not there are left out. */
  readonly parents: readonly string[];
  readonly inactive?: boolean;
  /** Only groups others. */
  readonly abstract?: boolean;
}

export interface Designation {
  readonly language?: string | undefined;
  readonly use?: { readonly system?: string; readonly code?: string; readonly display?: string } | undefined;
  readonly value: string;
}

/** `value` is as FHIR has it below `type`: `valueString`, `valueCoding`, ... */
export interface PropertyValue {
  readonly code: string;
  readonly type: 'code' | 'Coding' | 'string' | 'integer' | 'boolean' | 'dateTime' | 'decimal';
  readonly value: unknown;
}

/** What a value is compared by. */
export function textOfValue({ value }: PropertyValue): string {
  if (typeof value === 'object' && value !== null) return String((value as { readonly code?: string }).code ?? '');
  return String(value);
}

/** The code as it is compared: where case does not matter, without it. */
export function keyOfCode(code: string, { caseSensitive }: Pick<SourceSystem, 'caseSensitive'>): string {
  return caseSensitive ? code : code.toLowerCase();
}
