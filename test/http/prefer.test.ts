// Preferences and what comes of them: RFC 7240 and https://hl7.org/fhir/R4/http.html#ops

import { describe, expect, test } from '@jest/globals';
import { applyPreference } from '../../src/http/apply-preference.ts';
import type { InteractionRequest, InteractionResponse } from '../../src/http/interaction.ts';
import { handlingOf, handlingPreference, prefersAsync, returnPreference } from '../../src/http/prefer.ts';

function asking(prefer: string | undefined): InteractionRequest {
  return { header: (name: string) => (name === 'Prefer' ? prefer : undefined) } as InteractionRequest;
}

describe('the header Prefer (RFC 7240 section 2)', () => {
  test.each([
    ['return=minimal', 'minimal'],
    ['Return=Minimal', 'minimal'],
    ['return = "representation"', 'representation'],
    ['return=operationoutcome', 'OperationOutcome'],
    ['handling=strict, return=minimal', 'minimal'],
    ['return=minimal; foo=bar', 'minimal'],
    ['x="a, return=minimal", return=representation', 'representation'],
    ['return=minimal, return=representation', 'minimal'],
    ['foo; return=minimal', undefined],
    ['return=everything', undefined],
    ['return', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s returns %s', (header, expected) => expect(returnPreference(asking(header))).toBe(expected));

  test('handling is lenient unless it is said to be strict', () => {
    expect(handlingOf(asking('handling=strict'))).toBe('strict');
    expect(handlingOf(asking('return=minimal, Handling=STRICT'))).toBe('strict');
    expect(handlingOf(asking('handling=odd'))).toBe('lenient');
    expect(handlingOf(asking(undefined))).toBe('lenient');
    expect(handlingPreference(asking('return=minimal'))).toBeUndefined();
  });

  test('respond-async has no value', () => {
    expect(prefersAsync(asking('return=minimal, respond-async; wait=10'))).toBe(true);
    expect(prefersAsync(asking('return=respond-async'))).toBe(false);
  });
});

describe('an answer as it is preferred', () => {
  const written: InteractionResponse = { status: 201, headers: { ETag: 'W/"1"' }, body: '{}' };
  const nothing = () => [];

  test('of nothing is the answer as it was', () => {
    expect(applyPreference('create', asking(undefined), written, nothing)).toBe(written);
    expect(applyPreference('read', asking('return=minimal'), written, nothing)).toBe(written);
  });

  test('minimal has no body, and status and headers stay', () => {
    expect(applyPreference('update', asking('return=minimal'), written, nothing)).toEqual({
      status: 201,
      headers: { ETag: 'W/"1"', 'Preference-Applied': 'return=minimal' },
      body: undefined,
    });
  });

  test.each([
    ['create', 201, 'created'],
    ['create', 200, 'matching'],
    ['update', 200, 'updated'],
    ['patch', 200, 'updated'],
  ] as const)('of a %s with %i an OperationOutcome says that it was %s', (code, status, word) => {
    const { body } = applyPreference(code, asking('return=OperationOutcome'), { ...written, status }, nothing);
    expect(JSON.parse(String(body))).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information', code: 'informational', diagnostics: expect.stringContaining(word) }],
    });
  });

  test('an unknown preference is not said to be applied', () => {
    const { headers } = applyPreference('create', asking('return=everything, wait=5'), written, nothing);
    expect(headers).toEqual({ ETag: 'W/"1"' });
  });

  test('a search says how it handled its parameters', () => {
    const { headers } = applyPreference('search-type', asking('handling=strict'), written, nothing);
    expect(headers['Preference-Applied']).toBe('handling=strict');
  });
});
