// Gathers the issues of one resource, as many as anybody can read: https://hl7.org/fhir/R4/operationoutcome.html

import type { IssueCode } from '../fhir/outcome.ts';
import { type DetailedIssue, detailsOf, type MessageCode } from './details.ts';

/** With the last one, which says that there are more. */
export const issuesMax = 100;

export class IssueList {
  readonly issues: DetailedIssue[] = [];
  private readonly known = new Set<string>();

  /** What comes now would only be thrown away. */
  get isFull(): boolean {
    return this.issues.length >= issuesMax;
  }

  /** One of a kind for each place: what is no array may also be empty, and both are the same to mend. */
  add({ severity = 'error', code, message, diagnostics, path }: NewIssue): void {
    const key = `${severity} ${code} ${path}`;
    if (this.isFull || this.known.has(key)) return;
    this.known.add(key);
    if (this.issues.length === issuesMax - 1) this.issues.push(thereAreMore);
    else {
      const details = message && { details: detailsOf(message) };
      this.issues.push({ severity, code, ...details, diagnostics, ...(path !== undefined && { expression: [path] }) });
    }
  }
}

export interface NewIssue {
  readonly severity?: DetailedIssue['severity'];
  readonly code: IssueCode;
  readonly message?: MessageCode | undefined;
  readonly diagnostics: string;
  readonly path: string | undefined;
}

const thereAreMore: DetailedIssue = {
  severity: 'information',
  code: 'informational',
  diagnostics: `There are more issues than the first ${issuesMax - 1}, which are listed here.`,
};
