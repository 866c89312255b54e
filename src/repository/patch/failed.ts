// How a patch says which of its operations cannot be done and why: https://hl7.org/fhir/R4/http.html#patch

import { type FhirError, fhirError, type IssueCode } from '../../fhir/outcome.ts';

/** A sentence's end without values of the resource; whoever runs the operation adds which one it is. */
export class CannotApply extends Error {
  readonly code: IssueCode;

  constructor(reason: string, code: IssueCode = 'processing') {
    super(reason);
    this.code = code;
  }
}

export interface OperationPlace {
  readonly index: number;
  /** `add`, `move`, ... */
  readonly type: string;
  /** FHIRPath of the operation in the patch, where that is a resource. */
  readonly expression?: string;
}

/** 422, with the operation's number and type. */
export function failedOperation(place: OperationPlace, reason: string, code: IssueCode = 'processing'): FhirError {
  const { index, type, expression } = place;
  return fhirError(code, `Operation ${index} of the patch (${type}) cannot be done: ${reason}.`, {
    status: 422,
    ...(expression ? { expression } : {}),
  });
}

/** Runs an operation, and says which one it was when it cannot be done. */
export function runOperation<T>(place: OperationPlace, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CannotApply ? failedOperation(place, error.message, error.code) : error;
  }
}
