// One value of a search parameter by the parameter's type: https://hl7.org/fhir/R4/search.html#ptypes

import type { Asked } from './asked.ts';
import { matchesDate } from './date.ts';
import { matchesNumber } from './number.ts';
import { matchesQuantity } from './quantity.ts';
import { matchesReference } from './reference.ts';
import { matchesString } from './string.ts';
import { matchesToken } from './token.ts';
import { matchesUri } from './uri.ts';

export function matchesValue(asked: Asked): boolean {
  switch (asked.parameter.type) {
    case 'token':
      return matchesToken(asked);
    case 'string':
      return matchesString(asked);
    case 'date':
      return matchesDate(asked);
    case 'number':
      return matchesNumber(asked);
    case 'quantity':
      return matchesQuantity(asked);
    case 'reference':
      return matchesReference(asked);
    case 'uri':
      return matchesUri(asked);
    default:
      throw new Error(`No reading of a ${asked.parameter.type} parameter`);
  }
}
