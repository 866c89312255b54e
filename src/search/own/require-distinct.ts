// How many search parameters of its own a tenant may have, and that each code means one thing for a type.

import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import { fhirError } from '../../fhir/outcome.ts';

export const ownParametersMax = 200;
/** All are evaluated with every write of the type. */
export const ownParametersOfTypeMax = 50;

/** Throws 422 where the parameter cannot stand beside these, its tenant's others. */
export function requireDistinct(parameter: SearchParameter, others: readonly SearchParameter[]): void {
  if (others.length >= ownParametersMax)
    throw tooMany(`A tenant has at most ${ownParametersMax} search parameters of its own.`);
  for (const type of parameter.base) {
    const ofType = others.filter(({ base }) => base.includes(type));
    if (ofType.some(({ code }) => code === parameter.code)) {
      throw refused('code', `Another active SearchParameter has this code for ${type}.`);
    }
    if (ofType.length >= ownParametersOfTypeMax) {
      throw tooMany(`${type} takes at most ${ownParametersOfTypeMax} search parameters beside those of R4.`);
    }
  }
  if (others.some(({ url }) => url === parameter.url))
    throw refused('url', 'Another active SearchParameter has this url.');
}

function refused(place: string, diagnostics: string): Error {
  return fhirError('duplicate', diagnostics, { status: 422, expression: `SearchParameter.${place}` });
}

function tooMany(diagnostics: string): Error {
  return fhirError('too-costly', diagnostics, { status: 422, expression: 'SearchParameter' });
}
