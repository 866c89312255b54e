// What every refusal of the server must look like: https://hl7.org/fhir/R4/http.html#Status-Codes

import { expect } from '@jest/globals';

/** Words of the inside that no answer may show (security.md 99). */
const inside =
  /\bat .*\.ts|node_modules|SELECT |INSERT |relation "|column "|syntax error|ECONN|hpms_|127\.0\.0\.1|\bpg_/;

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** A 4xx with an OperationOutcome that says something and shows nothing of the inside. */
export function expectRefusal({ status, text }: Refusal, statuses?: number | readonly number[]): void {
  if (statuses === undefined) expect(status).toBeGreaterThanOrEqual(400);
  else expect([statuses].flat()).toContain(status);
  expect(status).toBeLessThan(500);
  const outcome = JSON.parse(text);
  expect(outcome.resourceType).toBe('OperationOutcome');
  expect(outcome.issue[0]).toMatchObject({
    severity: expect.stringMatching(/^(error|fatal)$/),
    code: expect.any(String),
  });
  expect(outcome.issue[0].diagnostics.length).toBeGreaterThan(10);
  expect(text).not.toMatch(inside);
}

/** No request of this server ended in a 5xx. */
export function expectNoFailure(logLines: readonly string[]): void {
  const failures = logLines.map((line) => JSON.parse(line)).filter(({ status, level }) => status >= 500 || level >= 50);
  expect(failures).toEqual([]);
}
