// Uri parameters: https://hl7.org/fhir/R4/search.html#uri

import type { Asked } from './asked.ts';
import { withoutEscapes } from './split.ts';

export function matchesUri({ modifier, raw, values }: Asked): boolean {
  const asked = withoutEscapes(raw);
  const uris = values.filter((value) => typeof value === 'string');
  switch (modifier) {
    // "matches are precise, case, accent, and escape sensitive, and the entire URI must match"; a canonical is also found
    // without its version: "When searching canonical references, the version may be left out."
    case undefined:
      return uris.some((uri) => uri === asked || withoutVersion(uri) === asked);
    // "will return any value sets that have a URL that starts with http://acme.org/fhir/"
    case 'below':
      return uris.some((uri) => uri.startsWith(asked));
    // "the converse - it will search for any value set above a given specific URL"; both are for URLs, "not URNs such as OIDs".
    case 'above':
      return uris.some((uri) => isAbove(withoutVersion(uri), asked));
    default:
      throw new Error(`No reading of the uri modifier ${modifier}`);
  }
}

/** Path segment by path segment: http://acme.org/fhir is above http://acme.org/fhir/ValueSet, and above itself. */
function isAbove(uri: string, asked: string): boolean {
  const stem = uri.replace(/\/$/, '');
  return asked === uri || asked === stem || asked.startsWith(`${stem}/`);
}

function withoutVersion(canonical: string): string {
  return canonical.replace(/\|.*$/, '');
}
