// The functions on values, by their names: https://hl7.org/fhirpath/N1/#functions

import { collectionFunctions } from './collection-functions.ts';
import { conversionFunctions } from './conversion-functions.ts';
import { numberFunctions } from './number-functions.ts';
import { textFunctions } from './text-functions.ts';
import type { ValueFunction } from './value-function.ts';

export const valueFunctions: ReadonlyMap<string, ValueFunction> = new Map([
  ...collectionFunctions,
  ...conversionFunctions,
  ...numberFunctions,
  ...textFunctions,
]);
