// Reads the values of uris and canonicals, which have places above and below them: https://hl7.org/fhir/R4/search.html#uri

import type { Criterion } from '../search-query.ts';
import type { TokenKey } from '../token-text.ts';
import { isUrl, partsOfCanonical, placeOf, placesAbove, versionsAbove } from '../uri-places.ts';
import { invalidValue } from './search-notes.ts';

type ValueCriterion = Criterion & { kind: 'value' };

/** Undefined when the modifier is none of uris. Throws where a value has no hierarchy, as a URN. */
export function parseUris(
  name: string,
  key: TokenKey,
  modifier: string | undefined,
  uris: readonly string[],
): ValueCriterion | undefined {
  if (modifier === undefined) return { kind: 'value', key, texts: uris };
  if (modifier !== 'above' && modifier !== 'below') return undefined;
  if (!uris.every(isUrl)) throw invalidValue(name, 'a URL with a host; URNs have nothing above or below them');
  if (modifier === 'above') return { kind: 'value', key, texts: uris.flatMap(above) };
  return { kind: 'value', key, texts: uris.flatMap(same), below: uris.map(bottomless) };
}

/** The same place, with and without the slash at its end. */
function same(uri: string): string[] {
  const { url, version } = partsOfCanonical(uri);
  return version === undefined ? [placeOf(url), `${placeOf(url)}/`] : [uri];
}

function bottomless(uri: string): string {
  return partsOfCanonical(uri).version === undefined ? placeOf(uri) : uri;
}

/** Of a version those it is one of: `url|1.2` is below `url|1`. */
function above(uri: string): string[] {
  const { url, version } = partsOfCanonical(uri);
  if (version !== undefined) return [uri, ...versionsAbove(version).map((one) => `${url}|${one}`)];
  return [...new Set([uri, placeOf(uri), ...placesAbove(uri)])].flatMap(same);
}
