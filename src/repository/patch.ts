// Patch by JSON Patch: https://hl7.org/fhir/R4/http.html#patch and RFC 6902

import type { Resource } from '@medplum/fhirtypes';
import { applyPatch, type Operation } from 'rfc6902';
import { fhirError } from '../fhir/outcome.ts';
import type { Content, ExactNumbers, WriteResult } from './change.ts';
import { findExact, markExact } from './exact-tree.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

export interface PatchRequest {
  readonly type: string;
  readonly id: string;
  /** The parsed body. */
  readonly operations: unknown;
  readonly exactNumbers?: ExactNumbers | undefined;
  readonly ifMatchVersionId?: number;
}

const operationsMax = 1_000;

/** Throws 400 for what is no JSON Patch and 422 when an operation cannot be done; nothing is changed then. */
export async function patch(session: Session, request: PatchRequest): Promise<WriteResult> {
  const { operations: body, exactNumbers, ...target } = request;
  const operations = requireOperations(body);
  const apply = (current: Content) => ({
    exactNumbers: patchedNumbers(current, operations, exactNumbers),
    resource: applyOperations(current.resource, operations),
  });
  const [result] = await write(session, [{ action: 'patch', ...target, apply }]);
  return result as WriteResult;
}

const verbs: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
/** What the server owns cannot be patched, and the type of a resource is what it is (security.md 43). */
const owned = /^\/(?:resourceType|id|meta(?:\/(?:versionId|lastUpdated))?)$/;

function requireOperations(body: unknown): Operation[] {
  if (!Array.isArray(body)) throw fhirError('structure', 'A JSON Patch is an array of operations.');
  if (body.length > operationsMax) throw fhirError('too-costly', `A patch takes at most ${operationsMax} operations.`);
  for (const [index, operation] of body.entries())
    requireOperation(operation as Partial<Record<string, unknown>>, index);
  return body as Operation[];
}

function requireOperation(operation: Partial<Record<string, unknown>> | null, index: number): void {
  const { op, path, from } = operation ?? {};
  if (
    typeof op !== 'string' ||
    !verbs.has(op) ||
    !isPointer(path) ||
    ((op === 'move' || op === 'copy') && !isPointer(from))
  ) {
    throw fhirError('structure', `Operation ${index} of the patch has no valid op, path or from (RFC 6902).`);
  }
  const changed = op === 'move' ? [path, from as string] : [path];
  if (op !== 'test' && changed.some((pointer) => pointer === '' || owned.test(pointer))) {
    throw fhirError('business-rule', `Operation ${index} of the patch changes what the server owns.`);
  }
}

/** RFC 6901; the names of prototypes are no elements of any resource. */
function isPointer(value: unknown): value is string {
  if (typeof value !== 'string' || (value !== '' && !value.startsWith('/'))) return false;
  return !/\/(?:__proto__|constructor|prototype)(?:\/|$)/.test(value);
}

function applyOperations(resource: Resource, operations: Operation[]): Resource {
  for (const [index, operation] of operations.entries()) {
    const failure = tryOperation(resource, operation);
    if (failure) {
      throw fhirError(
        'processing',
        `Operation ${index} of the patch (${operation.op}) cannot be done: ${reasons[failure.name] ?? 'its path leads through a value that has no members'}.`,
      );
    }
  }
  return resource;
}

/** The same changes on trees that carry the numbers' texts; tests compare values and are left out. */
function patchedNumbers(
  current: Content,
  operations: Operation[],
  exactNumbers: ExactNumbers | undefined,
): ExactNumbers {
  if (!current.exactNumbers && !exactNumbers) return new Map();
  const tree = markExact(current.resource, current.exactNumbers) as Resource;
  for (const operation of markExact(operations, exactNumbers) as Operation[]) {
    if (operation.op !== 'test') tryOperation(tree, operation);
  }
  return findExact(tree);
}

/** The library throws where a path goes on behind a string or a number. */
function tryOperation(resource: Resource, operation: Operation): Error | undefined {
  try {
    return applyPatch(resource, [operation])[0] ?? undefined;
  } catch (error) {
    return error as Error;
  }
}

/** The library's own texts quote values. */
const reasons: Readonly<Record<string, string>> = {
  MissingError: 'there is nothing at its path',
  TestError: 'the value is another one',
  InvalidOperationError: 'it is not complete',
};
