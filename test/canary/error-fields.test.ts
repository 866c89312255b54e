// What is logged of an error holds nothing of its text: security.md attack 124.

import { expect, test } from '@jest/globals';
import { fhirError } from '../../src/fhir/outcome.ts';
import { errorFields } from '../../src/jobs/observe.ts';

const text = 'CnryFixture7k2m9x4qw8';

test.each([
  `one line with ${text}`,
  `first\n    at ${text} (${text}.ts:1:1)\nlast`,
  `the last line\n    at ${text}:1:1`,
  `\n    at ${text}:1:1\n`,
])('neither a line of it nor one that looks like a stack frame: %j', (message) => {
  const cause = new TypeError(message);
  const fields = JSON.stringify(errorFields(new Error(message, { cause })));
  expect(fields).not.toContain(text);
  expect(fields).toContain('error-fields.test.ts');
});

test('and nothing at all of a stack whose text was changed afterwards', () => {
  const error = new Error(`first\n    at ${text}:1:1`);
  error.message = 'another text';
  expect(JSON.stringify(errorFields(error))).not.toContain(text);
});

test('of a refusal only its status, for it quotes what the client wrote; what the server says of itself is logged', () => {
  const refused = errorFields(fhirError('structure', `Patient has no element ${text}.`));
  expect(JSON.stringify(refused)).not.toContain(text);
  expect(refused).toMatchObject({ error: 'FhirError', status: 400 });
  expect(errorFields(fhirError('transient', 'Try again.'))).toMatchObject({ message: 'Try again.' });
});
