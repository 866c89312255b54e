// The rows that a caller's rights reach, as criteria of a search: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import type { RowAlternative, RowCondition } from '../access/row-rule.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { FhirError } from '../fhir/outcome.ts';
import { leavesOf } from './criterion-tree.ts';
import { parseSearch } from './parse.ts';
import { namesOnePatient, patientParameters } from './patients-named.ts';
import type { Criterion } from './search-query.ts';

/** One condition of a row rule; `link` is what it asks of another resource, which the row itself does not tell. */
export interface RowCriteria {
  readonly criteria: readonly Criterion[];
  readonly link?: RowLink;
}

/** The parameter must refer to a resource of this type that meets the criterion. */
export interface RowLink {
  readonly parameter: string;
  readonly type: string;
  readonly criterion: Criterion;
}

/** Undefined for a condition that no row can be shown to meet, so that its alternative lets nothing in. */
export function rowCriteria(
  definitions: Definitions,
  type: string,
  condition: RowCondition,
  nowMs: number,
): RowCriteria | undefined {
  switch (condition.kind) {
    case 'patient':
      return patientCriteria(definitions, type, condition.id);
    case 'own':
      return ownCriteria(type, condition.reference, condition.parameters);
    case 'constraint':
      return constraintCriteria(definitions, type, condition.query, nowMs);
    case 'context':
      // Read with each Binary: repository/binary-access.ts.
      return { criteria: [] };
  }
}

/** What all alternatives have in common first, so that an index can serve it; undefined where no row is allowed. */
export function allCriteria(
  definitions: Definitions,
  type: string,
  alternatives: readonly RowAlternative[],
  nowMs: number,
): readonly Criterion[] | undefined {
  const lists = alternatives.flatMap((conditions) => {
    const parts = conditions.map((condition) => ({
      text: JSON.stringify(condition),
      criteria: rowCriteria(definitions, type, condition, nowMs)?.criteria,
    }));
    return parts.some(({ criteria }) => criteria === undefined) ? [] : [parts];
  });
  const [first, ...others] = lists;
  if (!first) return undefined;
  if (others.length === 0) return first.flatMap(({ criteria = [] }) => criteria);
  const isCommon = (text: string) => others.every((list) => list.some((part) => part.text === text));
  const common = first.filter(({ text }) => isCommon(text));
  const rest = lists.map((list) => list.filter(({ text }) => !common.some((part) => part.text === text)));
  const anyOf = rest.map((list) => list.flatMap(({ criteria = [] }) => criteria));
  const shared = common.flatMap(({ criteria = [] }) => criteria);
  return anyOf.some((list) => list.length === 0) ? shared : [...shared, { kind: 'any', anyOf }];
}

/** A Patient is its own compartment: one that is only linked to it is another person's record, or may be. */
export function patientCriteria(definitions: Definitions, type: string, id: string): RowCriteria {
  if (type === 'Patient') return { criteria: [{ kind: 'id', ids: [id] }] };
  const codes = patientParameters(definitions, type) ?? [];
  const keys = codes.map((code) => `${type}.${code}`);
  const inside: Criterion = { kind: 'compartment', keys, reference: `Patient/${id}` };
  return { criteria: [inside, namesOnePatient(type)] };
}

function ownCriteria(type: string, reference: string, parameters: readonly string[]): RowCriteria {
  const [code = '', linkedType, linkedCode] = (parameters[0] ?? '').split('.');
  if (linkedType !== undefined && linkedCode !== undefined) {
    const criterion: Criterion = { kind: 'compartment', keys: [`${linkedType}.${linkedCode}`], reference };
    const targets = [{ type: linkedType, criterion }];
    return {
      criteria: [{ kind: 'chain', name: code, parameter: code, targets }],
      link: { parameter: code, type: linkedType, criterion },
    };
  }
  const [ownType, ownId = ''] = reference.split('/');
  const keys = parameters.map((parameter) => `${type}.${parameter}`);
  return {
    criteria: [{ kind: 'compartment', keys, reference, ...(ownType === type && { ownId }) }],
  };
}

/** Whatever the type cannot be asked by lets no row in. */
function constraintCriteria(
  definitions: Definitions,
  type: string,
  text: string,
  nowMs: number,
): RowCriteria | undefined {
  const equals = text.indexOf('=');
  try {
    const pair = [text.slice(0, equals), text.slice(equals + 1)].map(decodeURIComponent) as [string, string];
    const { criteria } = parseSearch(definitions, type, [pair], { handling: 'strict', now: nowMs });
    return criteria.length > 0 && criteria.every((criterion) => isOfRow(criterion, type)) ? { criteria } : undefined;
  } catch (error) {
    if (error instanceof FhirError || error instanceof URIError) return undefined;
    throw error;
  }
}

/** True of what a row alone decides, without other resources and value sets. */
function isOfRow(criterion: Criterion, type: string): boolean {
  if (criterion.kind === 'chain' || criterion.kind === 'has') return false;
  return leavesOf(criterion, type).every(({ criterion: leaf }) => leaf.kind !== 'codes' && leaf.kind !== 'list');
}
