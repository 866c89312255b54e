// Finds the route of a request that does not come as HTTP: an entry of a bundle, or a request that runs in the background.

import { fhirError } from '../fhir/outcome.ts';
import type { FhirRoute } from './route.ts';

export interface Found {
  readonly route: FhirRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** `path` is below the FHIR base, without a slash at its start. Throws 404, or 405 where another method is answered. */
export type FindRoute = (method: string, path: string) => Found;

/** Of two routes that fit, the first in the table wins, as in the router. */
export function createFindRoute(routes: readonly FhirRoute[], isType: (name: string) => boolean): FindRoute {
  const patterns = routes.map((route) => ({ route, segments: segmentsOf(route.path) }));
  const byLength = Map.groupBy(patterns, ({ segments }) => segments.length);
  return (method, path) => {
    const given = segmentsOf(path);
    const wanted = method === 'HEAD' ? 'get' : method.toLowerCase();
    const possible = byLength.get(given.length) ?? [];
    for (const { route, segments } of possible) {
      const params = route.method === wanted ? paramsOf(segments, given, isType) : undefined;
      if (params) return { route, params };
    }
    throw unanswered(
      method,
      possible.filter(({ segments }) => paramsOf(segments, given, isType)).map(({ route }) => route),
    );
  };
}

/** `fitting` are the routes of the path for other methods. */
function unanswered(method: string, fitting: readonly FhirRoute[]): Error {
  if (fitting.length === 0) return fhirError('not-found', 'There is nothing at this URL.');
  const methods = [...new Set(fitting.map((route) => route.method.toUpperCase()))].join(', ');
  return fhirError('not-supported', `${method} is not possible here; ${methods} is.`);
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function paramsOf(
  pattern: readonly string[],
  given: readonly string[],
  isType: (name: string) => boolean,
): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    const text = given[index] as string;
    const colon = segment.indexOf(':');
    if (colon < 0 ? segment !== text : !text.startsWith(segment.slice(0, colon))) return undefined;
    const name = segment.slice(colon + 1);
    if (name === 'type' && !isType(text)) return undefined;
    if (colon >= 0) params[name] = text.slice(colon);
    // A route of one type names it in its path.
    else if (index === 0 && isType(text)) params.type = text;
  }
  return params;
}
