// Which phases of a payment follow each other: domain.md SM-4, contract.md 36 and 37.

import { describe, expect, test } from '@jest/globals';
import { mayFollow, type Phase, phaseOf } from '../../../src/clinic/payments/phase.ts';

const phases: readonly Phase[] = ['draft', 'queued', 'posted', 'failed', 'void'];

describe('the phase of a payment', () => {
  test.each([
    ['active', 'complete', 'posted'],
    ['active', 'queued', 'queued'],
    ['active', 'error', 'failed'],
    ['draft', 'complete', 'draft'],
    ['draft', undefined, 'draft'],
    ['cancelled', 'complete', 'void'],
    ['cancelled', undefined, 'void'],
    ['entered-in-error', 'queued', 'void'],
    // R4 has it for batches of claims; one payment is made or not.
    ['active', 'partial', undefined],
    ['active', undefined, undefined],
  ] as const)('%s with outcome %s is %s', (status, outcome, phase) => {
    expect(phaseOf({ status, ...(outcome !== undefined && { outcome }) })).toBe(phase);
  });

  const allowed: Readonly<Record<Phase, readonly Phase[]>> = {
    draft: ['draft', 'queued', 'posted', 'failed', 'void'],
    queued: ['queued', 'posted', 'failed', 'void'],
    posted: ['posted', 'void'],
    failed: ['failed'],
    void: ['void'],
  };

  test.each(phases.flatMap((from) => phases.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(allowed[from].includes(to));
  });

  test.each(phases)('a payment may begin as %s', (to) => {
    expect(mayFollow(undefined, to)).toBe(true);
  });
});
