// What is above a url in its hierarchy, for the modifiers `above` and `below`: https://hl7.org/fhir/R4/search.html#uri

/** Longer paths are known by their first segments only. */
const placesMax = 12;

/** `url|version`; what is no canonical has no version. */
export function partsOfCanonical(value: string): { url: string; version: string | undefined } {
  const bar = value.indexOf('|');
  return bar < 0 ? { url: value, version: undefined } : { url: value.slice(0, bar), version: value.slice(bar + 1) };
}

/** Only URLs have a hierarchy, URNs such as OIDs have none. */
export function isUrl(value: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/[^/]/i.test(value);
}

/** The url without the slash at its end, which means the same place. */
export function placeOf(url: string): string {
  return url.replace(/\/+$/, '');
}

/** For `http://a.org/b/c`: `http://a.org` and `http://a.org/b`; the query and the fragment belong to the last segment. */
export function placesAbove(url: string): string[] {
  if (!isUrl(url)) return [];
  const place = placeOf(url.split(/[?#]/, 1)[0] as string);
  const places: string[] = [];
  for (let slash = place.indexOf('/', place.indexOf('://') + 3); slash > 0; slash = place.indexOf('/', slash + 1)) {
    if (places.length < placesMax) places.push(place.slice(0, slash));
  }
  // What stands behind a slash, a question mark or a hash is below the place itself.
  if (place !== url && places.length < placesMax) places.push(place);
  return places;
}

/** For `1.2.3`: `1` and `1.2`. */
export function versionsAbove(version: string): string[] {
  const parts = version.split('.').slice(0, placesMax);
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('.'));
}
