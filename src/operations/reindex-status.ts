// `$reindex-status`: how far the runs of $reindex and of the tenant's own search parameters are.

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { rowRule } from '../access/row-rule.ts';
import { type ParameterStatus, type RunStatus, readStatus } from '../repository/reindex/read-status.ts';
import type { Session } from '../repository/session.ts';
import type { Operation, OperationParameter } from './operation.ts';

export const reindexStatus: Operation = {
  code: 'reindex-status',
  definition: {
    id: 'hpms-reindex-status',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-reindex-status',
    name: 'ReindexStatus',
    title: 'How far resources are indexed',
    description:
      'Tells of the newest runs that index resources again, and of each search parameter that is defined by an active SearchParameter resource whether searches can use it.',
  },
  levels: ['system'],
  affectsState: false,
  permission: 'r',
  parameters: [
    {
      name: 'run',
      use: 'out',
      min: 0,
      max: '*',
      documentation: 'A run, the newest first.',
      parts: [
        part('id', 'id', 'What $reindex answered.'),
        part(
          'reason',
          'code',
          'parameters, request, generation (of a new version of the server), index-key or data-key.',
        ),
        part('state', 'code', 'waiting, running or done.'),
        part('type', 'code', 'A resource type that is indexed.', '*'),
        part('done', 'integer', 'Resources that are indexed.'),
        part('total', 'integer', 'Resources there were when it began, and those that came in front of it.'),
        part('rate', 'decimal', 'Resources a second.'),
        part('requested', 'instant', 'When it was asked for.'),
        part('started', 'instant', 'When it began.'),
        part('updated', 'instant', 'When something happened last.'),
        part('finished', 'instant', 'When it was done.'),
      ],
    },
    {
      name: 'searchParameter',
      use: 'out',
      min: 0,
      max: '*',
      documentation: 'A search parameter of an active SearchParameter resource.',
      parts: [
        part('reference', 'Reference', 'The resource.'),
        part('code', 'code', 'Its name in searches.'),
        part('base', 'code', 'A resource type it is for.', '*'),
        part('state', 'code', 'pending, indexing or ready; only a ready one can be searched by.'),
      ],
    },
  ],
  async run(session) {
    requirePermission(session.caller, 'r', 'SearchParameter');
    const { runs, parameters } = await readStatus(session);
    // Whoever is told that one is ready can search by it at once, at least here.
    if (parameters.length > 0) session.repository.tenantDefinitions?.forget();
    const parameter = [...runs.map((run) => describeRun(session, run)), ...parameters.map(describeParameter)];
    const resource: Parameters = { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) };
    return { resource };
  },
};

function part(name: string, type: string, documentation: string, max: 1 | '*' = 1): OperationParameter {
  return { name, use: 'out', min: 0, max, type, documentation };
}

/** How many resources there are hears who could count them by searches. */
function describeRun({ caller }: Session, run: RunStatus): ParametersParameter {
  const isCounted = run.types.every((type) => rowRule(caller, 's', type) === 'all');
  const rate = isCounted ? rateOf(run) : undefined;
  return {
    name: 'run',
    part: [
      { name: 'id', valueId: run.id },
      { name: 'reason', valueCode: run.reason },
      { name: 'state', valueCode: run.state },
      ...run.types.map((type) => ({ name: 'type', valueCode: type })),
      ...(isCounted ? [{ name: 'done', valueInteger: run.done }] : []),
      ...(isCounted ? [{ name: 'total', valueInteger: run.total }] : []),
      ...(rate === undefined ? [] : [{ name: 'rate', valueDecimal: rate }]),
      ...momentOf('requested', run.requested_at),
      ...momentOf('started', run.started_at),
      ...momentOf('updated', run.updated_at),
      ...momentOf('finished', run.finished_at),
    ],
  };
}

/** Undefined until there is something to tell. */
function rateOf({ started_at: started, updated_at: updated, done }: RunStatus): number | undefined {
  const ms = started ? updated.getTime() - started.getTime() : 0;
  return ms > 0 ? Math.round((done * 10_000) / ms) / 10 : undefined;
}

function momentOf(name: string, at: Date | null): ParametersParameter[] {
  return at ? [{ name, valueInstant: at.toISOString() }] : [];
}

function describeParameter({ id, state, parameter }: ParameterStatus): ParametersParameter {
  return {
    name: 'searchParameter',
    part: [
      { name: 'reference', valueReference: { reference: `SearchParameter/${id}` } },
      { name: 'code', valueCode: parameter.code },
      ...parameter.base.map((type) => ({ name: 'base', valueCode: type })),
      { name: 'state', valueCode: state },
    ],
  };
}
