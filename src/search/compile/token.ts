// Token parameters as token lookups: https://hl7.org/fhir/R4/search.html#token

import type { Criterion, TokenValue } from '../search-query.ts';
import type { TokenShape } from '../token-shape.ts';
import { codeQueryTexts, normalizeContact, systemText, type TokenKey, valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileToken({ key, shape, values }: Criterion & { kind: 'token' }): CompiledCriterion {
  return { conditions: [anyText(values.flatMap((value) => textsOf(key, shape, value)))] };
}

function textsOf(key: TokenKey, shape: TokenShape, { system, code }: TokenValue): string[] {
  if (shape.kind === 'bare') return bareTexts(key, shape.systems, { system, code });
  if (code === undefined) return [systemText(key, system ?? '', '')];
  if (shape.kind === 'coded') return codeQueryTexts(key, system, code);
  const contact = normalizeContact(code);
  return [system ? systemText(key, system, contact) : valueText(key, contact)];
}

/** The value alone is stored; its system must be one the binding implies, and `system|` says nothing of it. */
function bareTexts(
  key: TokenKey,
  systems: ReadonlySet<string> | undefined,
  { system, code }: { system: string | undefined; code: string | undefined },
): string[] {
  const isImplied = !system || !systems || systems.has(system);
  return isImplied && code !== undefined ? [valueText(key, code)] : [];
}
