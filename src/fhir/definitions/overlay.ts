// A tenant's own search parameters laid over those of R4, which stay as they are: https://hl7.org/fhir/R4/searchparameter.html

import type { Definitions } from '../definitions.ts';
import type { SearchParameter } from './snapshot.ts';

export interface OwnSearchParameters {
  readonly parameters: readonly SearchParameter[];
  /** Those that cannot be asked by yet, with the reason as the end of a sentence. */
  readonly unready?: readonly { readonly parameter: SearchParameter; readonly why: string }[];
}

/** The base itself where there are none. A code that the base has too means what the base says. */
export function withSearchParameters(
  base: Definitions,
  { parameters, unready = [] }: OwnSearchParameters,
): Definitions {
  if (parameters.length === 0 && unready.length === 0) return base;
  const isOwn = (type: string, { base: types, code }: SearchParameter) =>
    types.includes(type) && !base.searchParameters(type).has(code);
  const ofType = (type: string) => parameters.filter((parameter) => isOwn(type, parameter));
  const byUrl = new Map(parameters.map((parameter) => [parameter.url, parameter]));
  return {
    ...base,
    searchParameters(type) {
      const known = base.searchParameters(type);
      const own = ofType(type);
      return own.length === 0 ? known : new Map([...known, ...own.map((one) => [one.code, one] as const)]);
    },
    searchParameterByUrl: (url) => base.searchParameterByUrl(url) ?? byUrl.get(url),
    own: {
      base,
      ofType,
      whyUnready: (type, code) =>
        unready.find(({ parameter }) => parameter.code === code && isOwn(type, parameter))?.why,
    },
  };
}
