// Writes of who may change a resource and not read it: neither the answer nor what is asked on the way tells what is in it
// (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html: `u` is no `r`).

import type { Resource } from '@medplum/fhirtypes';
import { may } from '../access/may.ts';
import { type ParsedJson, parseJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { WriteResult } from './change.ts';
import type { PatchKind } from './patch/to-patch.ts';
import { meetsRows, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';

/** What was created is what the caller has sent; what was there before, or still is in part, is shown to who may read it. */
export async function withoutUnreadable(session: Session, results: readonly WriteResult[]): Promise<WriteResult[]> {
  const told: WriteResult[] = [];
  for (const result of results) {
    const isSeen = result.json === undefined || isNew(result) || (await mayRead(session, result.type, result.json));
    told.push(isSeen ? result : { ...result, isHidden: true });
  }
  return told;
}

function isNew({ action, changed }: WriteResult): boolean {
  return action === 'create' && changed;
}

async function mayRead(session: Session, type: string, json: string): Promise<boolean> {
  if (!may(session.caller, 'r', type)) return false;
  if (!rowsOf(session, 'r', type)) return true;
  const { value, exactNumbers } = parseJson(json);
  return await meetsRows(session, 'r', value as Resource, exactNumbers);
}

/** Throws 403 for a patch that succeeds or fails by what is there, of a type that the caller may not read at all. */
export function requireBlindPatch(
  { caller }: Session,
  { type, kind, body }: { readonly type: string; readonly kind: PatchKind; readonly body: ParsedJson },
): void {
  if (may(caller, 'r', type) || !asksForValues(kind, body.value)) return;
  const diagnostics = `A patch that tests or filters by values needs the right to read ${type} (SMART scope ${type}.r).`;
  throw fhirError('forbidden', diagnostics);
}

interface Part {
  readonly name?: unknown;
  readonly valueString?: unknown;
  readonly part?: readonly (Part | null)[];
}

function asksForValues(kind: PatchKind, body: unknown): boolean {
  if (kind === 'json-patch') return Array.isArray(body) && body.some((operation) => operation?.op === 'test');
  if (kind === 'merge-patch') return false;
  const operations = (body as { parameter?: unknown } | null)?.parameter;
  if (!Array.isArray(operations)) return false;
  const parts = operations.flatMap((operation: Part | null) => (Array.isArray(operation?.part) ? operation.part : []));
  return parts.some((part) => part?.name === 'path' && String(part.valueString).includes('('));
}
