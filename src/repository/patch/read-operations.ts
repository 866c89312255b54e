// The operations of a FHIRPath Patch, read from its Parameters resource: https://hl7.org/fhir/R4/fhirpatch.html

import type { Definitions } from '../../fhir/definitions.ts';
import { UnknownElement } from '../../fhir/fhirpath/compiler.ts';
import { compilePlaces, type PlacePath } from '../../fhir/fhirpath/places.ts';
import { UnsupportedSyntax } from '../../fhir/fhirpath/tokens.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { CannotApply, type OperationPlace, runOperation } from './failed.ts';
import { requireFewOperations } from './tree-patch.ts';
import type { Part } from './value-part.ts';

export type OperationType = 'add' | 'insert' | 'delete' | 'replace' | 'move';

export interface PathOperation {
  readonly place: OperationPlace;
  readonly type: OperationType;
  readonly path: PlacePath;
  /** Of add. */
  readonly name: string;
  /** Of add, insert and replace. */
  readonly value: Part;
  /** Of insert. */
  readonly index: number;
  /** Of move. */
  readonly source: number;
  readonly destination: number;
}

export interface PatchTarget {
  readonly type: string;
  readonly definitions: Definitions;
}

/** Throws 400 for what is no FHIRPath Patch and 422 for paths that no such resource can have. */
export function readOperations(parameters: readonly Part[], target: PatchTarget): PathOperation[] {
  requireFewOperations(parameters);
  return parameters.map((parameter, index) => readOperation(parameter, index, target));
}

/** The parts each type has: all of them, and no others. */
const partNames: Readonly<Record<OperationType, readonly string[]>> = {
  add: ['type', 'path', 'name', 'value'],
  insert: ['type', 'path', 'index', 'value'],
  delete: ['type', 'path'],
  replace: ['type', 'path', 'value'],
  move: ['type', 'path', 'source', 'destination'],
};

function readOperation(parameter: Part, index: number, target: PatchTarget): PathOperation {
  const expression = `Parameters.parameter[${index}]`;
  const refuse = (what: string) => fhirError('structure', `Operation ${index} of the patch ${what}.`, { expression });
  if (parameter.name !== 'operation') throw refuse('must be a parameter of the name operation');
  const parts = new Map((parameter.part ?? []).map((part) => [part.name, part]));
  const type = textOf(parts.get('type'));
  if (!isType(type)) throw refuse(`needs a part type, one of ${Object.keys(partNames).join(', ')}`);
  const wanted = partNames[type];
  if (parts.size !== parameter.part?.length || parts.size !== wanted.length || !wanted.every((name) => parts.has(name)))
    throw refuse(`(${type}) has these parts, each once: ${wanted.join(', ')}`);
  const numbers = ['index', 'source', 'destination'].map((name) => numberOf(parts.get(name)));
  if (numbers.includes(Number.NaN)) throw refuse(`(${type}) needs whole numbers, 0 or more, to tell places in a list`);
  const [path, name] = [textOf(parts.get('path')), textOf(parts.get('name'))];
  if (path === undefined || (parts.has('name') && name === undefined)) throw refuse('needs texts as path and name');
  const place = { index, type, expression };
  const [at = 0, source = 0, destination = 0] = numbers;
  return {
    ...{ place, type, name: name ?? '', value: parts.get('value') as Part, index: at, source, destination },
    path: runOperation(place, () => compile(path, target)),
  };
}

function isType(text: string | undefined): text is OperationType {
  return text !== undefined && Object.hasOwn(partNames, text);
}

function compile(path: string, { type, definitions }: PatchTarget): PlacePath {
  try {
    const compiled = compilePlaces(path, type, definitions);
    if (compiled) return compiled;
  } catch (error) {
    if (!(error instanceof UnsupportedSyntax) && !(error instanceof UnknownElement)) throw error;
    throw new CannotApply(`its path is none that can be followed: ${error.message}`);
  }
  throw new CannotApply(`its path does not start at ${type}`);
}

function textOf(part: Part | undefined): string | undefined {
  const text = part?.valueString ?? part?.valueCode;
  return typeof text === 'string' ? text : undefined;
}

/** Undefined where there is no such part, NaN where it is no place in a list. */
function numberOf(part: Part | undefined): number | undefined {
  if (!part) return undefined;
  const number = part.valueInteger ?? part.valueUnsignedInt ?? part.valuePositiveInt;
  return Number.isInteger(number) && (number as number) >= 0 ? (number as number) : Number.NaN;
}
