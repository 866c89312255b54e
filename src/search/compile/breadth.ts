// Tells from a sample which conditions on tokens a good part of all resources meets: those are tested on rows that something
// else finds, rather than looked up.

import type { SampleOf, TokenSample } from '../token-sample.ts';
import { candidatesMax, type SortedConditions, sortConditions } from './candidates.ts';
import type { Condition } from './condition.ts';
import { walkMax } from './walk-bounds.ts';

/** What is known of how many resources the conditions find. */
export interface Breadth {
  /** Those on common tokens marked wide. */
  readonly conditions: SortedConditions;
  /** True where some of them are. */
  readonly isMarked: boolean;
  /** True where hardly any resource has the tokens that are asked by. */
  readonly isRare: boolean;
  /** True where the type has so many resources that an estimate looks at no more of them than it may count. */
  readonly isLarge: boolean;
  /** The part of the resources that has all tokens of the wide conditions; absent where there are none. */
  readonly wideShare?: number;
  /** What is known of those that have all tokens asked by; absent where there are none, or hardly any resource has them. */
  readonly listed?: Listed;
  /** How many resources meet the conditions; absent where these ask by more than tokens. */
  readonly probableTotal?: number;
}

export interface Listed {
  readonly share: number;
  readonly matches: number;
  /** True where each resource has the token of its slice. */
  readonly isSliced: boolean;
}

export interface BreadthOptions {
  readonly type: string;
  readonly tokenOf: (text: string) => bigint;
  readonly sampleOf: SampleOf | undefined;
  /** Matches that are looked for; undefined where all are gathered. */
  readonly wanted: number | undefined;
  /** The date parameter of which a single value is both asked and sorted by. */
  readonly byDate?: string | undefined;
}

const largeType = 20_000;
/** A walk along the days that are asked for has its page soon where so many of the resources have the other tokens. */
const soonShare = 0.2;

export function breadthOf(all: readonly Condition[], options: BreadthOptions): Breadth {
  const sample = options.sampleOf?.(options.type);
  if (!options.sampleOf) return { conditions: sortConditions(all), isMarked: false, isRare: false, isLarge: false };
  const marks = new Set<Condition>();
  const conditions = sortConditions(markWide(all, { ...options, marks, walked: walkedDays(all, options, sample) }));
  const { tokens } = conditions;
  const wide = tokens.filter(({ isWide }) => isWide);
  const share = (some: readonly Condition[]) => (sample ? shareOf(some, sample, options.tokenOf) : 0);
  const wideShare = wide.length > 0 ? share(wide) : 0;
  const listed = listedOf(tokens, sample, options.tokenOf);
  const isProbable = sample && all.length > 0 && all.every(isOfTokens);
  return {
    conditions,
    isMarked: marks.size > 0,
    isRare: sample !== undefined && tokens.length > 0 && !listed,
    isLarge: (sample?.resources ?? 0) > largeType,
    ...(wideShare > 0 && { wideShare }),
    ...(listed && { listed }),
    ...(isProbable && { probableTotal: Math.round(sample.resources * share(all)) }),
  };
}

/** Undefined where nothing is known of them, or hardly any resource has all. */
export function listedOf(
  tokens: readonly Condition[],
  sample: TokenSample | undefined,
  tokenOf: BreadthOptions['tokenOf'],
): Listed | undefined {
  const share = sample && tokens.length > 0 ? shareOf(tokens, sample, tokenOf) : 0;
  return sample && share > 0
    ? { share, matches: share * sample.resources, isSliced: sample.isSliced ?? false }
    : undefined;
}

/** The tokens of days that need not be looked up, for the walk goes along them. */
function walkedDays(all: readonly Condition[], options: BreadthOptions, sample: TokenSample | undefined) {
  const { byDate, tokenOf } = options;
  const tokens = all.filter((condition) => condition.kind === 'tokens');
  const days = tokens.filter(({ ofDate }) => ofDate !== undefined && ofDate === byDate);
  const others = tokens.filter((condition) => !days.includes(condition));
  const isSoon = sample !== undefined && shareOf(others, sample, tokenOf) >= soonShare;
  return new Set<Condition>(isSoon ? days : []);
}

/** A row that is looked up costs an entry of the index more than one that is walked past. */
const lookupCost = 2;

interface MarkingOptions extends BreadthOptions {
  readonly marks: Set<Condition>;
  readonly walked: ReadonlySet<Condition>;
}

/**
 * The same conditions, those on tokens marked wide where a walk has its page sooner than the index has all that meet them, or
 * where these are too many to be gathered.
 */
function markWide(conditions: readonly Condition[], options: MarkingOptions): readonly Condition[] {
  const isWide = areWide(conditions, options);
  return conditions.map((condition) => {
    switch (condition.kind) {
      case 'tokens':
        if (!isWide || options.walked.has(condition)) return condition;
        options.marks.add(condition);
        return { ...condition, isWide: true as const };
      case 'any':
        return {
          ...condition,
          anyOf: condition.anyOf.map((list) => markWide(list, { ...options, wanted: undefined })),
        };
      case 'linked': {
        const linked = { ...options, type: condition.type, wanted: undefined };
        return { ...condition, conditions: markWide(condition.conditions, linked) };
      }
      default:
        return condition;
    }
  });
}

function areWide(
  conditions: readonly Condition[],
  { type, sampleOf, tokenOf, wanted, walked }: MarkingOptions,
): boolean {
  const sample = sampleOf?.(type);
  const tokens = conditions.filter((condition) => condition.kind === 'tokens' && !walked.has(condition));
  const share = sample && tokens.length > 0 ? shareOf(tokens, sample, tokenOf) : 0;
  if (!sample || share === 0) return false;
  const matches = share * sample.resources;
  const walk = wanted === undefined ? Number.POSITIVE_INFINITY : wanted / share;
  // Where a walk would not come to its end either, they are gathered as long as there may be few enough.
  return matches > (walk < walkMax / 2 ? Math.min(candidatesMax, walk / lookupCost) : 2 * candidatesMax);
}

function isOfTokens(condition: Condition): boolean {
  if (condition.kind === 'not') return condition.conditions.every(isOfTokens);
  if (condition.kind === 'any') return condition.anyOf.every((list) => list.every(isOfTokens));
  return condition.kind === 'tokens';
}

/** As if nothing were more often together than by chance; 1 for what the sample does not tell of. */
function shareOf(conditions: readonly Condition[], sample: TokenSample, tokenOf: BreadthOptions['tokenOf']): number {
  return conditions.reduce((share, condition) => share * shareOfOne(condition, sample, tokenOf), 1);
}

function shareOfOne(condition: Condition, sample: TokenSample, tokenOf: BreadthOptions['tokenOf']): number {
  switch (condition.kind) {
    case 'tokens':
      return together(condition.anyOf.map((texts) => Math.min(...texts.map((text) => sample.shareOf(tokenOf(text))))));
    case 'not':
      return condition.conditions.every(isOfTokens) ? 1 - shareOf(condition.conditions, sample, tokenOf) : 1;
    case 'any':
      return together(condition.anyOf.map((list) => shareOf(list, sample, tokenOf)));
    default:
      return 1;
  }
}

function together(shares: readonly number[]): number {
  return Math.min(
    1,
    shares.reduce((sum, share) => sum + share, 0),
  );
}
