// What a search must find in each place, or finding nothing there proves nothing.

import type { Find } from './canary-run.ts';
import type { Controls } from './controls.ts';
import type { PlaceName } from './places.ts';

export interface ExpectedControl {
  readonly place: PlaceName;
  readonly word: string;
  /** Part of the name of what it must be in. */
  readonly file?: string;
  /** The block it must be in. */
  readonly block?: string;
}

const ofRows: readonly PlaceName[] = ['data files', 'WAL', 'WAL archive'];

export function expectedControls({ plants }: Controls, isRedis: boolean, withBackup: boolean): ExpectedControl[] {
  const everyForm = ([...ofRows, 'dump', 'object store'] as const).flatMap((place) =>
    plants.map(({ form, block }) => ({ place, word: form, ...(block && { block }) })),
  );
  const rows = [...ofRows, 'dump', ...(withBackup ? ['backup' as const] : [])] as const;
  const tables = ['store.resource)', 'store.resource_pkey)', 'store.resource_last_updated)'];
  return [
    ...rows.flatMap((place) => ['plainId', 'visitStart', 'readable'].map((word) => ({ place, word }))),
    ...everyForm,
    ...ofRows.map((place) => ({ place, word: 'postgresValue', block: 'PostgreSQL value' })),
    ...tables.map((file) => ({ place: 'data files' as const, word: 'plainId', file })),
    { place: 'logs', word: 'requestId', file: 'logs/hpms.log' },
    { place: 'logs', word: 'statement', file: 'postgres.log' },
    ...(isRedis ? ['appendonly', 'dump.rdb'] : ['jobs.job']).map((file) => ({
      ...{ place: 'queue' as const, word: 'jobTopic', file },
    })),
    { place: 'metrics', word: 'metric' },
    ...['pg_stat_activity', 'pg_stat_statements', 'pg_prepared_statements'].map((file) => ({
      ...{ place: 'dump' as const, word: 'statement', file },
    })),
    { place: 'other files', word: 'statement', file: 'pg_stat_statements.stat' },
  ];
}

export function isFound({ place, word, file = '', block }: ExpectedControl, finds: readonly Find[]): boolean {
  return finds.some(
    (find) =>
      find.place === place &&
      (find.word === word || find.word.startsWith(`${word} `)) &&
      find.name.includes(file) &&
      (block === undefined || find.inside.includes(block)),
  );
}
