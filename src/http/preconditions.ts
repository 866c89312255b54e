// Preconditions of requests: https://hl7.org/fhir/R4/http.html#concurrency

import { fhirError } from '../fhir/outcome.ts';
import type { InteractionRequest } from './interaction.ts';

const versionTag = /^(?:W\/)?"([0-9]{1,9})"$/;

/** The version named by If-Match; `*` and no header ask for nothing. */
export function ifMatchVersionId(request: InteractionRequest): { ifMatchVersionId?: number } {
  const header = request.header('If-Match')?.trim();
  if (header === undefined || header === '*') return {};
  const match = versionTag.exec(header);
  if (!match) throw fhirError('value', 'If-Match holds one version, such as W/"3".', { status: 400 });
  return { ifMatchVersionId: Number(match[1]) };
}
