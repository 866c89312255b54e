// What may happen in a week of a small clinic; whom it happens to is chosen among what there is by then: https://fast-check.dev

import fc from 'fast-check';

const visitKinds = ['book', 'move', 'advance', 'cancel', 'noshow', 'go back'] as const;
const moneyKinds = [
  ...(['add line', 'issue', 'invoice', 'pay', 'split', 'deposit', 'copay'] as const),
  ...(['refund', 'refund credit', 'void', 'note', 'write off', 'cancel invoice', 'settle'] as const),
];

export type VisitKind = (typeof visitKinds)[number];
export type MoneyKind = (typeof moneyKinds)[number];

export interface Command {
  readonly kind: VisitKind | MoneyKind;
  readonly which: number;
  readonly other: number;
  /** Of a day and an hour. */
  readonly slot: number;
  readonly cents: number;
}

const weights: Readonly<Record<Command['kind'], number>> = {
  ...{ book: 12, move: 3, advance: 24, cancel: 2, noshow: 1, 'go back': 1 },
  ...{ 'add line': 4, issue: 9, invoice: 3, pay: 9, split: 3, deposit: 3, copay: 2 },
  ...{ refund: 4, 'refund credit': 2, void: 3, note: 3, 'write off': 2, 'cancel invoice': 2, settle: 1 },
};

const kind = fc.oneof(
  ...Object.entries(weights).map(([one, weight]) => ({
    weight,
    arbitrary: fc.constant(one as Command['kind']),
  })),
);

const command: fc.Arbitrary<Command> = fc.record({
  kind,
  which: fc.nat(1_000),
  other: fc.nat(1_000),
  slot: fc.nat(19),
  cents: fc.integer({ min: 1, max: 15_000 }),
});

export function weekOf(commands: number): fc.Arbitrary<Command[]> {
  return fc.array(command, { minLength: commands, maxLength: commands });
}

export function isVisitKind(one: Command['kind']): one is VisitKind {
  return (visitKinds as readonly string[]).includes(one);
}
