// The media types of FHIR and what their parameters may say: https://hl7.org/fhir/R4/http.html#mime-type

import { parsePair, splitHeader } from './header-list.ts';

/** How a resource is written. */
export type Syntax = 'json' | 'xml';

export const fhirJson = 'application/fhir+json';
export const fhirXml = 'application/fhir+xml';

/** In the order in which this server prefers them; the general ones are also read and, when asked for, answered. */
export const mediaTypes: ReadonlyMap<string, Syntax> = new Map([
  [fhirJson, 'json'],
  [fhirXml, 'xml'],
  ['application/json', 'json'],
  ['application/xml', 'xml'],
  ['text/json', 'json'],
  ['text/xml', 'xml'],
]);

const shortNames: ReadonlyMap<string, string> = new Map([
  ['json', fhirJson],
  ['xml', fhirXml],
]);

export interface MediaType {
  /** In small letters and without parameters; `json` and `xml` stand for the FHIR types. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const withoutParameters: ReadonlyMap<string, string> = new Map();

export function parseMediaType(text: string): MediaType {
  if (!text.includes(';')) return { name: nameOf(text), parameters: withoutParameters };
  const [name = '', ...parameters] = splitHeader(text, ';');
  // Nothing before the first semicolon is no name.
  if (/^\s*;/.test(text)) return { name: '', parameters: withoutParameters };
  return { name: nameOf(name), parameters: new Map(parameters.map(parsePair)) };
}

function nameOf(text: string): string {
  const name = text.trim().toLowerCase();
  return shortNames.get(name) ?? name;
}

/** What of a media type's parameters this server does not speak; other parameters mean nothing to it. */
export function unspoken({ parameters }: MediaType): 'charset' | 'fhirVersion' | undefined {
  if (parameters.size === 0) return undefined;
  const charset = parameters.get('charset');
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) return 'charset';
  const version = parameters.get('fhirversion');
  return version !== undefined && version !== '4.0' && version !== '4.0.1' ? 'fhirVersion' : undefined;
}
