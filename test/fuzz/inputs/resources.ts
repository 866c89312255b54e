// Resources of all types for the fuzzer, alone and as texts: https://hl7.org/fhir/R4/resourcelist.html

import fc from 'fast-check';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { serializeXml } from '../../../src/fhir/xml/serialize-xml.ts';
import { type Json, randomResource } from '../../validation/random-resource.ts';
import { cut, cuts, mutate, mutations, strange } from './mutations.ts';

export const definitions = loadDefinitions();

const types = [...definitions.resourceTypes].sort();
/** What a clinic has most of. */
const usual = ['Patient', 'Observation', 'Encounter', 'Appointment', 'Condition', 'Practitioner', 'Slot', 'Task'];

export const anyType: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...usual), fc.constantFrom(...types));

/** A valid resource of the type. */
export function resourceOf(type: string, seed: number): Json {
  return randomResource(definitions, type, seed);
}

export const goodResource: fc.Arbitrary<Json> = fc
  .tuple(anyType, fc.nat())
  .map(([type, seed]) => resourceOf(type, seed));

/** With up to two of its values gone wrong. */
export const nearlyGood: fc.Arbitrary<unknown> = fc
  .tuple(goodResource, mutations(2))
  .map(([resource, list]) => mutate(resource, list));

const jsonPieces = [
  '',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '\\u0000',
  '1e9',
  'null',
  '.0',
  'é',
  '\ud800',
  '\u0000',
  '-',
  '1',
];

/** JSON texts: half of them are resources, plain or with a value gone wrong, the others are nearly JSON or any JSON. */
export const jsonTexts: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: goodResource.map((one) => JSON.stringify(one)), weight: 2 },
  { arbitrary: nearlyGood.map((one) => JSON.stringify(one) ?? ''), weight: 3 },
  {
    arbitrary: fc
      .tuple(goodResource, fc.nat(2))
      .map(([one, indent]) => exactly(JSON.stringify(one, undefined, indent))),
    weight: 1,
  },
  {
    arbitrary: fc.tuple(goodResource, cuts(3, jsonPieces)).map(([one, list]) => cut(JSON.stringify(one), list)),
    weight: 2,
  },
  { arbitrary: fc.json(), weight: 1 },
  { arbitrary: strange.map((one) => JSON.stringify(one) ?? ''), weight: 1 },
);

/** The same with numbers whose text says more than their value. */
function exactly(text: string): string {
  return text.replace(/(?<=[:[]\s*)-?\d+(?=[,\]}\s])/g, (number) => `${number}.00`);
}

const xmlPieces = [
  ...['', '<', '>', '/>', '</', '"', "'", '&', '&amp;', '&#0;', '&x;', '<?x?>', '<!--', '-->', ']]>', '<![CDATA[', 'x'],
  ...['<!DOCTYPE a>', ' value="1"', ' xmlns="urn:x"', ' id="a"', '<value/>', '<div>', '\u0000', '\ud800', 'é', ' '],
];

/** XML texts: resources as the server writes them, with values gone wrong in the tree, or with pieces put into the text. */
export const xmlTexts: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: goodResource.map(asXml), weight: 4 },
  { arbitrary: nearlyGood.map(asXml), weight: 1 },
  { arbitrary: fc.tuple(goodResource, cuts(3, xmlPieces)).map(([one, list]) => cut(asXml(one), list)), weight: 3 },
  {
    arbitrary: fc
      .array(fc.constantFrom(...xmlPieces, '<Patient xmlns="http://hl7.org/fhir">', '</Patient>'))
      .map((all) => all.join('')),
    weight: 1,
  },
);

/** What is no resource any more has no XML. */
function asXml(resource: unknown): string {
  try {
    return serializeXml(resource as never, definitions);
  } catch {
    return '<Patient xmlns="http://hl7.org/fhir"><active value="maybe"/></Patient>';
  }
}
