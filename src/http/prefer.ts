// What a client prefers: RFC 7240 and https://hl7.org/fhir/R4/search.html#errors

import type { InteractionRequest } from './interaction.ts';

/** `handling=strict` refuses unknown search parameters; without it they are left out with a warning. */
export function handlingOf(request: InteractionRequest): 'strict' | 'lenient' {
  const preferences = request.header('Prefer')?.split(/[,;]/) ?? [];
  return preferences.some((preference) => preference.trim().toLowerCase() === 'handling=strict') ? 'strict' : 'lenient';
}
