// Moves that touch the same money come one after the other, all others together: a bundle of many costs a few statements.

import { invoicesOf } from './complete-payments.ts';
import type { Move } from './moves.ts';
import { isDrawerMove } from './payment.ts';

/**
 * In the order of the moves; within a wave none sees what another does. A void, whose Invoices its rows tell, is one alone, and
 * so is what counts a drawer.
 */
export function wavesOf(moves: readonly Move[]): Move[][] {
  const waves: Move[][] = [];
  let touched: Set<string> | undefined;
  for (const move of moves) {
    const keys = keysOf(move);
    const isAlone = keys === undefined;
    if (!touched || isAlone || keys.some((key) => touched?.has(key))) {
      waves.push([]);
      touched = new Set();
    }
    waves.at(-1)?.push(move);
    if (isAlone) touched = undefined;
    else for (const key of keys) touched?.add(key);
  }
  return waves;
}

function keysOf({ change, payment, from }: Move): string[] | undefined {
  if ((payment.phase === 'void' && from === 'posted') || isDrawerMove(payment.kind)) return undefined;
  const { refunds } = payment;
  return [
    `PaymentReconciliation/${change.id}`,
    ...invoicesOf(payment).map((id) => `Invoice/${id}`),
    ...(refunds ? [refunds.reference] : []),
  ];
}
