// The messages that R4 itself has for some faults: https://hl7.org/fhir/R4/codesystem-operation-outcome.html

import type { Issue } from '../fhir/outcome.ts';

export type MessageCode =
  | 'MSG_BAD_FORMAT'
  | 'MSG_BAD_SYNTAX'
  | 'MSG_DATE_FORMAT'
  | 'MSG_DUPLICATE_ID'
  | 'MSG_ID_INVALID'
  | 'MSG_ID_TOO_LONG'
  | 'MSG_JSON_OBJECT'
  | 'MSG_LOCAL_FAIL'
  | 'MSG_RESOURCE_ID_MISSING'
  | 'MSG_RESOURCE_TYPE_MISMATCH'
  | 'MSG_UNKNOWN_CONTENT'
  | 'MSG_UNKNOWN_TYPE'
  | 'MSG_WRONG_NS';

/** An issue as an OperationOutcome has it, with its message where one fits. */
export interface DetailedIssue extends Issue {
  readonly details?: { readonly coding: readonly [{ readonly system: string; readonly code: MessageCode }] };
}

export function detailsOf(code: MessageCode): NonNullable<DetailedIssue['details']> {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/operation-outcome', code }] };
}
