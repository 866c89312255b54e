// `$explain`: how a search would be answered, for an administrator, without running it: README, Interactions.

import { requireAdministrator } from '../access/administrator.ts';
import { FhirError, fhirError, type Issue } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import type { SearchQuery } from '../search/search-query.ts';
import { answerOf, type ExplainedStatement } from './explain/answer.ts';
import { describeParameters } from './explain/describe-parameters.ts';
import { explainPlan } from './explain/explain-plan.ts';
import { type ExplainedSearch, explainedSearch, type Pairs } from './explain/explained-search.ts';
import { explainParameters } from './explain/parameters.ts';
import { recordStatements } from './explain/record-statements.ts';
import type { Operation, OperationCall } from './operation.ts';
import { recordOperation } from './record-operation.ts';

/** Longer queries are refused by length, before they are taken apart; and more statements than these are not planned. */
const queryLengthMax = 100_000;
const statementsMax = 20;
/** Searches take no more. */
const describedMax = 100;
const nameLengthMax = 200;

export const explain: Operation = {
  code: 'explain',
  definition: {
    id: 'Resource-explain',
    url: 'https://hpms.example/fhir/OperationDefinition/Resource-explain',
    name: 'Explain',
    title: 'Explain how a search is answered',
    description:
      'Tells an administrator how a search would be answered: what of it was understood, by which means each parameter is answered, the plan of each statement with the indexes it uses and its estimated cost, and the bounds it runs within. The search is not run, and no value of it is repeated. Called for a type, for all types (base), or for what is in a compartment (`Patient/[id]/$explain`).',
  },
  levels: ['system', 'type', 'instance'],
  affectsState: false,
  permission: 's',
  parameters: explainParameters,
  queryInput: 'query',
  async run(session, call) {
    requireAdministrator(session.caller);
    recordExplanation(session, call);
    return { resource: answerOf(await explanationOf(session, call)) };
  },
};

/** The names of the parameters alone: values may be of patients. */
function recordExplanation(session: Session, call: OperationCall): void {
  const names = pairsOf(call).slice(0, describedMax);
  const path = [call.type, call.id, '$explain'].filter((part) => part !== '').join('/');
  const request = `GET ${path}?${names.map(([name]) => name.slice(0, nameLengthMax)).join('&')}`;
  const about = call.id === '' ? undefined : `${call.type}/${call.id}`;
  recordOperation(session, { request, about });
}

async function explanationOf(session: Session, call: OperationCall) {
  const pairs = pairsOf(call);
  const search = explainedSearch(session, call);
  const parameters = await describeParameters(search, pairs.slice(0, describedMax));
  const { baseUrl } = call;
  try {
    const { query, statements } = await planned(session, search, pairs);
    return { baseUrl, parameters, query, statements, issues: [...query.warnings, ...tooMany(statements)] };
  } catch (error) {
    // What the search would be refused for is an answer to what was asked here.
    if (!(error instanceof FhirError) || error.status >= 500) throw error;
    return { baseUrl, parameters, statements: [], issues: error.issues };
  }
}

interface Planned {
  readonly query: SearchQuery;
  readonly statements: readonly ExplainedStatement[];
}

async function planned(session: Session, search: ExplainedSearch, pairs: Pairs): Promise<Planned> {
  const query = search.parse(pairs);
  const recorded = await recordStatements(search, await search.prepare(query));
  const statements: ExplainedStatement[] = [];
  for (const { purpose, text, valuesCount } of recorded.slice(0, statementsMax)) {
    statements.push({ purpose, plan: await explainPlan(session.trx, text, valuesCount) });
  }
  return { query, statements };
}

function tooMany(statements: readonly ExplainedStatement[]): Issue[] {
  if (statements.length < statementsMax) return [];
  const diagnostics = `Only the first ${statementsMax} statements of the search are explained.`;
  return [{ severity: 'warning', code: 'too-costly', diagnostics }];
}

function pairsOf({ inputs }: OperationCall): Pairs {
  const query = (inputs.get('query')?.[0]?.value as string | undefined) ?? '';
  if (query.length <= queryLengthMax) return [...new URLSearchParams(query)];
  throw fhirError('too-costly', `$explain takes a query of at most ${queryLengthMax} characters.`, {
    expression: "Parameters.parameter.where(name = 'query')",
  });
}
