// Card numbers are never stored: domain.md S3-M2-E1 (PAN never stored), ISO/IEC 7812-1.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { holdsCardNumber, refuseCardNumbers } from '../../../src/clinic/payments/card-numbers.ts';
import { buildPayment } from './till.ts';

describe('a card number', () => {
  test.each([
    '4111111111111111',
    'card 4111 1111 1111 1111, thanks',
    '5500-0000-0000-0004',
    '378282246310005',
    '6011000990139424',
    '4222222222222',
    'ref 12 4111 1111 1111 1111',
  ])('is found in "%s"', (text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });

  test.each([
    '4111111111111112',
    '1111',
    '**** **** **** 1111',
    '2026-11-20 10:30',
    'pi_3MtwBwLkdIwHu7ix28a3tqPa',
    '41111111111111111111111111',
    '0000000000000000',
    '411111111111',
  ])('is not found in "%s"', (text) => {
    expect(holdsCardNumber(text)).toBe(false);
  });

  test('is no whole UUID (RFC 9562), by which gateways name payments', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.constantFrom('', 'tx ', 'urn:uuid:', 'tx-', 'pay_'),
        fc.constantFrom('', '-2'),
        (uuid, before, after) => {
          fc.pre(/[a-f]/.test(uuid));
          expect(holdsCardNumber(before + uuid + after)).toBe(false);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['beside a UUID', '019aabcd-1234-7890-8abc-def012345678 4111 1111 1111 1111'],
    ['in the shape of a UUID that has digits alone', '41111111-1111-1111-8000-000000000000'],
    ['in front of a UUID', '4111-1111-1111-1111-019aabcd-1234-7890-8abc-def012345678'],
    ['behind a UUID that goes on', '019aabcd-1234-7890-8abc-def012345678-4111111111111111'],
  ])('is one %s', (_where, text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });

  test('is found however its digits are grouped and whatever stands around it', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 18 });
    const gap = fc.constantFrom('', ' ', '-');
    const text = fc.constantFrom('', 'card ', 'x', '(', 'no: ');
    fc.assert(
      fc.property(digits, fc.array(gap, { minLength: 18, maxLength: 18 }), text, text, (body, gaps, before, after) => {
        const number = `1${body.slice(1).join('')}`;
        const full = `${number}${checkDigit(number)}`;
        const grouped = [...full]
          .map((digit, index) => digit + (index < full.length - 1 ? gaps[index % 18] : ''))
          .join('');
        expect(holdsCardNumber(`${before}${grouped}${after}`)).toBe(true);
      }),
      { seed: 41, numRuns: 300 },
    );
  });

  /** ISO/IEC 7812-1 annex B, worked out from the left and by hand. */
  function checkDigit(number: string): number {
    const doubled = [...number].map((digit, index) => Number(digit) * ((number.length - index) % 2 === 1 ? 2 : 1));
    const sum = doubled.join('').split('').map(Number);
    return (10 - (sum.reduce((total, one) => total + one, 0) % 10)) % 10;
  }
});

describe('a payment with a card number', () => {
  const pan = '4111111111111111';
  const payment = buildPayment(10);
  const type = { coding: [{ code: 'payment' }] };
  test.each([
    ['identifier[0].value', { ...payment, identifier: [{ system: 'urn:x', value: pan }] }],
    ['paymentIdentifier.value', { ...payment, paymentIdentifier: { value: pan } }],
    ['disposition', { ...payment, disposition: `card ${pan}` }],
    ['processNote[0].text', { ...payment, processNote: [{ text: pan }] }],
    ['detail[0].identifier.value', { ...payment, detail: [{ type, identifier: { value: pan } }] }],
    ['extension[0].valueString', { ...payment, extension: [{ url: 'urn:x', valueString: pan }] }],
    ['text.div', { ...payment, text: { status: 'generated' as const, div: `<div>${pan}</div>` } }],
  ])('in %s is refused with 422 that names the element and not the number', (element, resource) => {
    const issues = [expect.objectContaining({ expression: [`PaymentReconciliation.${element}`] })];
    expect(() => refuseCardNumbers(resource, 0)).toThrow(expect.objectContaining({ status: 422, issues }));
    expect(() => refuseCardNumbers(resource, 0)).not.toThrow(pan);
  });

  test('is not looked for in references and names of systems', () => {
    const reference = { reference: `Patient/${pan}` };
    const resource = { ...payment, requestor: reference, identifier: [{ system: `urn:oid:${pan}`, value: '1' }] };
    expect(() => refuseCardNumbers(resource, 0)).not.toThrow();
  });
});
