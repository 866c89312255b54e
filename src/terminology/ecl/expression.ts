// An expression constraint of SNOMED CT as a tree: https://confluence.ihtsdotools.org/display/DOCECL

export type Expression =
  | { readonly kind: 'any' }
  | { readonly kind: 'concept'; readonly code: string }
  | { readonly kind: 'relatives'; readonly operator: RelativesOperator; readonly of: Expression }
  /** Of reference sets. */
  | { readonly kind: 'members'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'minus'; readonly from: Expression; readonly without: Expression }
  | { readonly kind: 'refined'; readonly of: Expression; readonly by: Refinement };

export type Refinement =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Refinement[] }
  /** Some relationship of the type leads to such a concept. */
  | { readonly kind: 'attribute'; readonly name: Expression; readonly value: Expression };

export const relativesOperators = ['<<!', '>>!', '<<', '>>', '<!', '>!', '<', '>'] as const;

export type RelativesOperator = (typeof relativesOperators)[number];
