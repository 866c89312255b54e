// Which index the code of this version makes of a resource; every connection tells it, so that processes of an earlier version are known.

/**
 * To be raised with every change of what is extracted, or of the texts it is stored under, that searches rely on, and with new
 * rows of modules (`restores`): each tenant's resources are then indexed again in the background.
 */
export const indexGeneration = 8;

/** As pg_stat_activity shows it: https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-APPLICATION-NAME */
export function applicationName(role: string): string {
  return `${role} index ${indexGeneration}`;
}

/** Gives one row { generation }: the least of the processes of earlier versions that are connected, null where there are none. */
export const earlierProcesses = {
  name: 'earlier-processes',
  text: `SELECT min(p.generation) AS generation FROM (
           SELECT coalesce(substring(application_name FROM ' index ([0-9]{1,6})$')::integer, $1 - 1) AS generation
           FROM pg_stat_activity
           WHERE datname = current_database() AND application_name ~ '^hpms_(app|system|queue|reindex)( |$)') p
         WHERE p.generation < $1`,
  values: [indexGeneration],
} as const;
