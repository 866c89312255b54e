// Which price a visit is charged by: contract.md 23 and 24.

import { describe, expect, test } from '@jest/globals';
import type { ChargeItemDefinition } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { choosePrice, furtherTaxes, type Visit } from '../../../src/clinic/billing/choose-price.ts';
import { type Price, readPrice } from '../../../src/clinic/billing/price.ts';
import { base, concept, definition, forDepartment, forPractitioner, tax, taxCategory } from './prices.ts';

const seed = 20_261_120;

function price(id: string, overrides: Partial<ChargeItemDefinition> = {}, components = [base(100)]): Price {
  const meta = { lastUpdated: '2026-01-01T00:00:00.000Z' };
  const read = readPrice(definition(components, { id, meta, ...overrides }), 'USD');
  if (!read) throw new Error(`${id} is no price.`);
  return read;
}

const visit: Visit = {
  at: Date.parse('2026-11-23T09:30:00Z'),
  concepts: [[concept('consultation')], [concept('cardiology'), concept('checkup')]],
  practitioners: new Set(['Practitioner/1']),
  departments: new Set(['Organization/1', 'Organization/2']),
};

/** The choice does not depend on the order in which the list is read. */
function chosen(prices: readonly Price[], of: Visit = visit): string | undefined {
  const id = choosePrice(prices, of)?.id;
  fc.assert(
    fc.property(fc.shuffledSubarray([...prices], { minLength: prices.length }), (shuffled) => {
      expect(choosePrice(shuffled, of)?.id).toBe(id);
    }),
    { seed, numRuns: 20 },
  );
  return id;
}

describe('the code', () => {
  test('is the appointment type, else the service or the reason', () => {
    const type = price('type');
    const service = price('service', { code: concept('cardiology'), extension: [forPractitioner('1')] });
    const reason = price('reason', { code: concept('checkup') });
    expect(chosen([type, service, reason])).toBe('type');
    expect(chosen([service, reason])).toBe('service');
    expect(chosen([reason])).toBe('reason');
  });

  test('falls back to the service when no price of the appointment type fits in all else', () => {
    const expired = price('type', { effectivePeriod: { end: '2025' } });
    expect(chosen([expired, price('service', { code: concept('cardiology') })])).toBe('service');
  });

  test('equals in system and code', () => {
    expect(chosen([price('other', { code: concept('consultation', 'http://other.example') })])).toBeUndefined();
    expect(chosen([price('none', { code: { coding: [{ code: 'consultation' }] } })])).toBeUndefined();
    expect(chosen([price('text', { code: { text: 'consultation' } })])).toBeUndefined();
  });

  test('may be any coding on either side', () => {
    const both = { coding: [...concept('x').coding!, ...concept('consultation').coding!] };
    expect(chosen([price('both', { code: both })])).toBe('both');
  });

  test('is needed: a definition without code is never chosen by itself', () => {
    const { code: _, ...uncoded } = definition([base(100)]);
    expect(chosen([readPrice(uncoded, 'USD')!])).toBeUndefined();
  });

  test('does not make a price of a tax', () => {
    expect(chosen([price('tax', {}, [tax(0.19)])])).toBeUndefined();
  });
});

describe('practitioner and department', () => {
  const common = price('common');
  const ofDepartment = price('department', { extension: [forDepartment('2')] });
  const ofPractitioner = price('practitioner', { extension: [forPractitioner('1')] });

  test('practitioner beats department beats neither, whatever is newer', () => {
    const newer = price('common', { meta: { lastUpdated: '2026-06-01T00:00:00.000Z' } });
    expect(chosen([newer, ofDepartment, ofPractitioner])).toBe('practitioner');
    expect(chosen([newer, ofDepartment])).toBe('department');
    expect(chosen([newer])).toBe('common');
  });

  test('one that differs is never taken', () => {
    const others = [
      price('a', { extension: [forPractitioner('2')] }),
      price('b', { extension: [forDepartment('9')] }),
      price('c', { extension: [forPractitioner('1'), forDepartment('9')] }),
    ];
    expect(chosen(others)).toBeUndefined();
    expect(chosen([...others, common])).toBe('common');
  });

  test('any department of the visit counts, and a visit without any has none', () => {
    expect(chosen([ofDepartment, common], { ...visit, departments: new Set() })).toBe('common');
    expect(chosen([ofPractitioner, common], { ...visit, practitioners: new Set() })).toBe('common');
  });
});

describe('among equals', () => {
  test('the latest start of the period, then the newest', () => {
    const open = price('open', { meta: { lastUpdated: '2026-09-01T00:00:00.000Z' } });
    const older = price('2025', { effectivePeriod: { start: '2025-01-01' } });
    const later = price('2026', { effectivePeriod: { start: '2026-01-01' } });
    const newest = price('newest', {
      effectivePeriod: { start: '2026-01-01' },
      meta: { lastUpdated: '2026-02-01T00:00:00.000Z' },
    });
    expect(chosen([open, older])).toBe('2025');
    expect(chosen([open, older, later])).toBe('2026');
    expect(chosen([open, older, later, newest])).toBe('newest');
  });

  test('at last the id decides, so that every run chooses the same', () => {
    expect(chosen([price('a'), price('c'), price('b')])).toBe('c');
  });
});

describe('further taxes', () => {
  const standard = price('price', { extension: [taxCategory('standard')] });
  const vat = price('vat', { extension: [taxCategory('standard')] }, [tax(0.19, 'VAT')]);

  test('are those of the same category without base, in force at the visit', () => {
    const list = [
      standard,
      vat,
      price('city', { extension: [taxCategory('standard')] }, [tax(0.02, 'city'), tax(0.01, 'port')]),
      price('reduced', { extension: [taxCategory('reduced')] }, [tax(0.07)]),
      price('priced', { extension: [taxCategory('standard')] }, [base(1), tax(0.5)]),
      price('old', { extension: [taxCategory('standard')], effectivePeriod: { end: '2025' } }, [tax(0.16)]),
    ];
    const taxes = furtherTaxes(list, standard, visit.at);
    expect(taxes.map(({ code }) => code?.text)).toEqual(['city', 'port', 'VAT']);
    expect(furtherTaxes([...list].reverse(), standard, visit.at)).toEqual(taxes);
  });

  test('are none for a price without category', () => {
    expect(furtherTaxes([vat], price('plain'), visit.at)).toEqual([]);
  });
});
