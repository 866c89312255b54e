// Random writes in the abstract, and what they become once it is known what is there: https://hl7.org/fhir/R4/http.html

import fc from 'fast-check';
import type { Action, Entry, Link, Model, ModelType, Patch, Target, VersionTest } from './rest-model.ts';

export interface Draft {
  readonly kind: Action['kind'];
  readonly type: ModelType;
  /** Which of the ids that are known. */
  readonly pick: number;
  /** The identifier of criteria; undefined where an id is used. */
  readonly number: number | undefined;
  readonly word: number;
  readonly numbers: readonly number[];
  readonly isValid: boolean;
  readonly ifMatch: 'current' | 'other' | '*' | undefined;
  readonly ifNoneMatch: 'current' | '*' | undefined;
  readonly bodyId: 'same' | 'none' | 'other';
  readonly patch: Pick<Patch, 'language' | 'what'>;
  readonly link: Link | undefined;
}

export type Command =
  | { readonly kind: 'one'; readonly tenant: 'a' | 'b'; readonly draft: Draft }
  | { readonly kind: 'batch' | 'transaction'; readonly tenant: 'a' | 'b'; readonly drafts: readonly Draft[] }
  | { readonly kind: 'look'; readonly tenant: 'a' | 'b' };

/** Few, so that criteria are met by none, one and several. */
export const numbersMax = 2;
const number = fc.nat(numbersMax);
const weighted = <T>(...choices: readonly (readonly [number, T])[]) =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const draft: fc.Arbitrary<Draft> = fc.record({
  kind: weighted<Action['kind']>([8, 'create'], [8, 'update'], [8, 'patch'], [5, 'delete'], [3, 'read'], [1, 'search']),
  type: weighted<ModelType>([3, 'Patient'], [2, 'Observation']),
  pick: fc.nat(1_000),
  number: fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: number }),
  word: fc.nat(3),
  numbers: fc.uniqueArray(number, { minLength: 1, maxLength: 2 }),
  isValid: weighted([6, true], [1, false]),
  ifMatch: weighted<Draft['ifMatch']>([10, undefined], [3, 'current'], [2, 'other'], [1, '*']),
  ifNoneMatch: weighted<Draft['ifNoneMatch']>([9, undefined], [2, '*'], [1, 'current']),
  bodyId: weighted<Draft['bodyId']>([4, 'same'], [3, 'none'], [3, 'other']),
  patch: fc.record({
    language: fc.constantFrom(...(['json', 'merge', 'fhirpath'] as const)),
    what: weighted<Patch['what']>(
      [5, 'word'],
      [4, 'numbers'],
      [3, 'drop'],
      [2, 'invalid'],
      [2, 'fails'],
      [1, 'malformed'],
    ),
  }),
  link: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.record({ entry: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ number }) },
  ),
});

const tenant = weighted<'a' | 'b'>([4, 'a'], [1, 'b']);
const drafts = fc.array(draft, { minLength: 1, maxLength: 4 });
/** With little that could be wrong, for of several entries one nearly always is. */
const plainDrafts = fc.array(
  draft.map((some) => ({
    ...some,
    isValid: true,
    ifMatch: undefined,
    ifNoneMatch: undefined,
    bodyId: 'same' as const,
  })),
  { minLength: 2, maxLength: 4 },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 36, arbitrary: fc.record({ kind: fc.constant('one' as const), tenant, draft }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('batch' as const), tenant, drafts }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('transaction' as const), tenant, drafts }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('transaction' as const), tenant, drafts: plainDrafts }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const), tenant }) },
);

/** Something is there from the beginning, or most commands would find nothing. */
const first = fc.tuple(tenant, draft).map(
  ([tenant, some]): Command => ({
    kind: 'one',
    tenant,
    draft: { ...some, kind: 'create', isValid: true, number: undefined },
  }),
);

/** Without fast-check's bias to what is short and small: most sequences would hardly begin. */
export const sequences: fc.Arbitrary<Command[]> = fc.noBias(
  fc
    .tuple(
      fc.array(first, { minLength: 5, maxLength: 5 }),
      fc.array(command, { minLength: 20, maxLength: 25, size: 'max' }),
    )
    .map((parts) => parts.flat()),
);

/** Says of a draft what is meant, by what the model holds; `ids` are those that a client could try. Most are there, or were. */
export function actionOf(draft: Draft, model: Model, ids: readonly string[]): Action {
  const { kind, type, word, numbers, isValid, patch } = draft;
  const known = draft.pick % 4 === 0 ? [] : model.ids(type);
  const id = (known.length > 0 ? known[draft.pick % known.length] : ids[draft.pick % ids.length]) as string;
  const target: Target = draft.number === undefined ? { id } : { number: draft.number };
  const content = { word, numbers };
  if (kind === 'create') return { kind, type, content, isValid, ifNoneExist: draft.number };
  if (kind === 'read') return { kind, type, id };
  if (kind === 'search') return { kind, type, number: draft.number ?? 0 };
  const [meant] = target.id === undefined ? model.matches(type, target.number) : [target.id];
  const versionId = meant === undefined ? 1 : (model.last(type, meant)?.versionId ?? 1);
  const ifMatch = testOf(draft.ifMatch, versionId);
  if (kind === 'delete') return { kind, type, target, ifMatch };
  if (kind === 'patch') return { kind, type, target, patch: { ...patch, word, numbers }, ifMatch };
  const ifNoneMatch = testOf(draft.ifNoneMatch, versionId);
  return { kind, type, target, content, isValid, ifMatch, ifNoneMatch, bodyId: bodyIdOf(draft, target, meant, id) };
}

function testOf(test: 'current' | 'other' | '*' | undefined, versionId: number): VersionTest | undefined {
  if (test === undefined || test === '*') return test;
  if (test === 'current') return versionId;
  return versionId > 1 ? versionId - 1 : versionId + 5;
}

/** The URL's id must stand in the body, and of criteria it may: most bodies have it. */
function bodyIdOf({ bodyId }: Draft, target: Target, meant: string | undefined, other: string): string | undefined {
  if (target.id !== undefined) return bodyId === 'other' ? `${target.id}-other` : target.id;
  if (bodyId === 'same') return meant;
  return bodyId === 'other' ? other : undefined;
}

/** Observations may refer to Patients that the same transaction writes, or to the one with an identifier. */
export function entriesOf(drafts: readonly Draft[], actions: readonly Action[]): Entry[] {
  const patients = actions.flatMap(({ kind, type }, index) =>
    type === 'Patient' && (kind === 'create' || kind === 'update') ? [index] : [],
  );
  return actions.map((action, index) => {
    const { kind, type } = action;
    const mayLink = type === 'Observation' && (kind === 'create' || kind === 'update');
    return { action, link: mayLink ? linkOf(drafts[index]?.link, patients) : undefined };
  });
}

function linkOf(link: Link | undefined, patients: readonly number[]): Link | undefined {
  if (link?.entry === undefined) return link;
  const entry = patients[link.entry % Math.max(patients.length, 1)];
  return entry === undefined ? undefined : { entry };
}
