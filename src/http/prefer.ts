// What a client prefers: RFC 7240, https://hl7.org/fhir/R4/http.html#ops and https://hl7.org/fhir/R4/search.html#errors

import { parsePair, splitHeader } from './header-list.ts';
import type { InteractionRequest } from './interaction.ts';

type WithHeaders = Pick<InteractionRequest, 'header'>;

/** What of a written resource the answer holds. */
export type ReturnPreference = 'minimal' | 'representation' | 'OperationOutcome';

const returnPreferences: readonly ReturnPreference[] = ['minimal', 'representation', 'OperationOutcome'];

/** Undefined when the client did not say, or said what nobody knows. */
export function returnPreference(request: WithHeaders): ReturnPreference | undefined {
  const wanted = preference(request, 'return')?.toLowerCase();
  return wanted === undefined ? undefined : returnPreferences.find((known) => known.toLowerCase() === wanted);
}

/** `handling=strict` refuses unknown search parameters; without it they are left out with a warning. */
export function handlingOf(request: WithHeaders): 'strict' | 'lenient' {
  return handlingPreference(request) ?? 'lenient';
}

/** Undefined when the client did not say. */
export function handlingPreference(request: WithHeaders): 'strict' | 'lenient' | undefined {
  const wanted = preference(request, 'handling')?.toLowerCase();
  return wanted === 'strict' || wanted === 'lenient' ? wanted : undefined;
}

/** `respond-async`: https://hl7.org/fhir/R4/async.html */
export function prefersAsync(request: WithHeaders): boolean {
  return preference(request, 'respond-async') !== undefined;
}

/** Of several with one name the first counts (RFC 7240 section 2); Node has joined several headers with a comma. */
function preference(request: WithHeaders, name: string): string | undefined {
  const header = request.header('Prefer');
  if (header === undefined) return undefined;
  for (const item of splitHeader(header, ',')) {
    // Behind a semicolon stand parameters of the preference, not further ones.
    const [key, value] = parsePair(splitHeader(item, ';')[0] ?? '');
    if (key === name) return value;
  }
  return undefined;
}
