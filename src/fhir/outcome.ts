// The one error type of the server and the one table from issue code to HTTP status: https://hl7.org/fhir/R4/operationoutcome.html

import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';

/** The issue-type codes this server uses: https://hl7.org/fhir/R4/valueset-issue-type.html */
export type IssueCode =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'extension'
  | 'login'
  | 'expired'
  | 'forbidden'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'lock-error'
  | 'transient'
  | 'throttled'
  | 'timeout'
  | 'exception'
  | 'informational';

export interface Issue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: IssueCode;
  /** A sentence a person can act on; never a value of someone else's data. */
  readonly diagnostics: string;
  /** FHIRPath of the element at fault, such as `Patient.name[0].family`. */
  readonly expression?: readonly string[];
}

/** The status of an answer whose first error has this code, unless the thrower names another. */
const statusByCode: Readonly<Record<IssueCode, number>> = {
  invalid: 400,
  structure: 400,
  required: 422,
  value: 422,
  invariant: 422,
  extension: 422,
  login: 401,
  expired: 410,
  forbidden: 403,
  processing: 422,
  'not-supported': 405,
  duplicate: 409,
  'multiple-matches': 412,
  'not-found': 404,
  deleted: 410,
  'too-long': 413,
  'code-invalid': 422,
  'too-costly': 400,
  'business-rule': 422,
  conflict: 409,
  'lock-error': 409,
  transient: 503,
  throttled: 429,
  timeout: 503,
  exception: 500,
  informational: 200,
};

export interface FhirErrorOptions {
  /** HTTP status when the code's usual one does not fit. */
  readonly status?: number;
  /** What really happened, for the log only. */
  readonly cause?: unknown;
  /** Seconds a client should wait: RFC 9110 section 10.2.3. */
  readonly retryAfterSeconds?: number;
  readonly writeIndex?: number;
}

function expressionsBelow(place: string, expressions: readonly string[] | undefined): string[] {
  if (!expressions || expressions.length === 0) return [place];
  return expressions.map((expression) => {
    const dot = expression.indexOf('.');
    return dot < 0 ? place : place + expression.slice(dot);
  });
}

export class FhirError extends Error {
  readonly issues: readonly Issue[];
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** Which of several writes is at fault, by its position among them. */
  readonly writeIndex: number | undefined;

  constructor(issues: readonly Issue[], options: FhirErrorOptions = {}) {
    const first = issues[0];
    if (!first) throw new TypeError('A FhirError needs at least one issue.');
    super(first.diagnostics, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FhirError';
    this.issues = issues;
    this.status = options.status ?? statusByCode[first.code];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.writeIndex = options.writeIndex;
  }

  /** The same error, said to be about the write at this position, or about none. */
  ofWrite(writeIndex: number | undefined): FhirError {
    return new FhirError(this.issues, { ...this.#options(), ...(writeIndex === undefined ? {} : { writeIndex }) });
  }

  /** The same error with its expressions below `place`: `Patient.name` becomes `Bundle.entry[0].resource.name`. */
  below(place: string): FhirError {
    const issues = this.issues.map((issue) => ({ ...issue, expression: expressionsBelow(place, issue.expression) }));
    return new FhirError(issues, this.#options());
  }

  #options(): FhirErrorOptions {
    const { status, cause, retryAfterSeconds } = this;
    return { status, cause, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
}

/** An error of one issue; `expression` is the FHIRPath of the element at fault. */
export function fhirError(
  code: IssueCode,
  diagnostics: string,
  options: FhirErrorOptions & { readonly expression?: string } = {},
): FhirError {
  const { expression, ...rest } = options;
  return new FhirError(
    [{ severity: 'error', code, diagnostics, ...(expression ? { expression: [expression] } : {}) }],
    rest,
  );
}

/** 404: the same answer for an id that never existed and for another tenant's. */
export function notFound(type: string, id: string): FhirError {
  return fhirError('not-found', `${type}/${id} is not known on this server.`);
}

/** 410: https://hl7.org/fhir/R4/http.html#delete */
export function gone(type: string, id: string): FhirError {
  return fhirError('deleted', `${type}/${id} has been deleted.`);
}

export function toOperationOutcome(issues: readonly Issue[]): OperationOutcome {
  return { resourceType: 'OperationOutcome', issue: issues as OperationOutcomeIssue[] };
}
