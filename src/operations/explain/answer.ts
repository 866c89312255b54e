// What `$explain` answers, as a Parameters: https://hl7.org/fhir/R4/parameters.html

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { type Issue, toOperationOutcome } from '../../fhir/outcome.ts';
import { isResultParameter } from '../../search/parse/result-parameters.ts';
import { encodeInQuery } from '../../search/result.ts';
import { type SearchQuery, searchPath } from '../../search/search-query.ts';
import { boundsOf } from './bounds.ts';
import type { DescribedParameter } from './describe-parameters.ts';
import type { StatementPlan } from './explain-plan.ts';
import type { StatementPurpose } from './record-statements.ts';

export interface Explanation {
  readonly baseUrl: string;
  readonly parameters: readonly DescribedParameter[];
  /** Absent where the search would be refused. */
  readonly query?: SearchQuery;
  readonly statements: readonly ExplainedStatement[];
  /** Why the search would be refused, or what it leaves out. */
  readonly issues: readonly Issue[];
}

export interface ExplainedStatement {
  readonly purpose: StatementPurpose;
  readonly plan: StatementPlan;
}

export function answerOf({ baseUrl, parameters, query, statements, issues }: Explanation): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      ...(query ? [{ name: 'understood', valueString: understoodUrl(query, baseUrl) }] : []),
      ...parameters.map(parameterPart),
      ...(query ? [{ name: 'total', valueCode: query.summary === 'count' ? 'accurate' : query.total }] : []),
      ...statements.map(statementPart),
      ...(query ? boundsOf(query) : []).map(({ of, most }) => ({
        name: 'bound',
        part: [
          { name: 'of', valueString: of },
          { name: 'most', valueInteger: most },
        ],
      })),
      ...(issues.length > 0 ? [{ name: 'outcome', resource: toOperationOutcome(issues) }] : []),
    ],
  };
}

/** The self link of the search, its values left out: an explanation is shown to others than the one who may see a name in it. */
function understoodUrl(query: SearchQuery, baseUrl: string): string {
  const pairs = query.understood.map(([name, value]) => `${name}=${isShown(name) ? encodeInQuery(value) : '…'}`);
  return `${baseUrl}/${searchPath(query)}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

function isShown(name: string): boolean {
  return name === '_type' || isResultParameter(name);
}

/** A name that looks like none could be somebody's data. */
function parameterPart({ name, answeredBy, notes }: DescribedParameter): ParametersParameter {
  const shown = /^[\w:.-]{1,100}$/.test(name) ? name : '(unprintable)';
  return {
    name: 'parameter',
    part: [
      { name: 'name', valueString: shown },
      ...answeredBy.map((code) => ({ name: 'answeredBy', valueCode: code })),
      ...notes.map((note) => ({ name: 'note', valueString: note })),
    ],
  };
}

function statementPart({ purpose, plan }: ExplainedStatement): ParametersParameter {
  const { text, nodes, cost, rows } = plan;
  const whole = nodes.filter(({ type }) => type === 'Seq Scan').map(({ relation = '' }) => relation);
  return {
    name: 'statement',
    part: [
      { name: 'purpose', valueCode: purpose },
      { name: 'shape', valueCode: shapeOf(plan) },
      ...startsOf(plan).map((index) => ({ name: 'startsFrom', valueString: index })),
      { name: 'cost', valueDecimal: cost },
      { name: 'rows', valueDecimal: rows },
      ...[...new Set(nodes.flatMap(({ index }) => index ?? []))].map((index) => ({
        name: 'index',
        valueString: index,
      })),
      ...[...new Set(whole)].map((relation) => ({ name: 'sequentialScan', valueString: relation })),
      ...nodes.map(nodePart),
      { name: 'plan', valueString: text },
    ],
  };
}

function nodePart({ type, step, relation, index, cost, rows }: StatementPlan['nodes'][number]): ParametersParameter {
  return {
    name: 'node',
    part: [
      { name: 'type', valueString: type },
      ...(step === '' ? [] : [{ name: 'step', valueString: step }]),
      ...(relation === undefined ? [] : [{ name: 'relation', valueString: relation }]),
      ...(index === undefined ? [] : [{ name: 'index', valueString: index }]),
      { name: 'cost', valueDecimal: cost },
      { name: 'rows', valueDecimal: rows },
    ],
  };
}

/** By the steps that the search compiler names. */
function shapeOf({ nodes }: StatementPlan): string {
  const steps = new Set(nodes.map(({ step }) => step));
  if (steps.has('set1')) return 'linked-sets-first';
  if (steps.has('anchor')) return 'candidates-first';
  if (steps.has('page')) return steps.has('link') && !steps.has('shown') ? 'references' : 'walk';
  return 'plain';
}

/** The indexes read by the first step that reads one. */
function startsOf({ nodes }: StatementPlan): string[] {
  const first = nodes.find(({ index }) => index !== undefined)?.step;
  return [...new Set(nodes.flatMap(({ step, index }) => (step === first ? (index ?? []) : [])))];
}
