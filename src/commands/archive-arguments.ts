// What `npm run archive` is asked for.

import { parseArgs } from 'node:util';
import { type ArchivedTable, archivedTables, isMonth, monthBefore, monthOf } from '../audit/archive/months.ts';
import { ConfigError } from '../config.ts';

const usage = `Use: npm run archive -- COMMAND
  --before MONTH --to FOLDER   takes the months before this one (such as 2025-11) out of the database into files;
                               --keep COUNT instead: all but so many months before this one
  --restore MONTH --from FOLDER
                               brings a month back
  --check --from FOLDER        reads all archived files: their hashes, and each AuditEvent against its seal
  --list                       what is archived, and which tenants are under legal hold
  --hold TENANT                nothing of the tenant is archived, and it is not shredded; --release TENANT ends that
  --table audit_event|history  only this table, for the first two; else both`;

export type ArchiveCommand =
  | { readonly kind: 'archive'; readonly before: string; readonly folder: string; readonly tables: Tables }
  | { readonly kind: 'restore'; readonly month: string; readonly folder: string; readonly tables: Tables }
  | { readonly kind: 'check'; readonly folder: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'hold' | 'release'; readonly tenant: string };

type Tables = readonly ArchivedTable[];

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = {
  ...{ before: text, keep: text, to: text, restore: text, from: text, table: text, hold: text, release: text },
  ...{ check: flag, list: flag },
} as const;

/** Throws a ConfigError that says what there is. */
export function readArguments(args: readonly string[], now: Date): ArchiveCommand {
  const given = parse(args);
  const tables = tablesOf(given.table);
  const command = tables && commandOf(given, tables, now);
  if (!command || Object.keys(given).sort().join() !== usedBy[command.kind](given)) throw new ConfigError(usage);
  return command;
}

type Given = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch {
    // It says what it does not know; people want to know what there is.
    throw new ConfigError(usage);
  }
}

function tablesOf(table: string | undefined): Tables | undefined {
  if (table === undefined) return archivedTables;
  const known = archivedTables.filter((one) => one === table);
  return known.length === 0 ? undefined : known;
}

function commandOf(given: Given, tables: Tables, now: Date): ArchiveCommand | undefined {
  const { to, restore, from, hold, release, check, list } = given;
  const before = beforeOf(given, now);
  if (before !== undefined && to) return { kind: 'archive', before, folder: to, tables };
  if (restore !== undefined && isMonth(restore) && from) {
    return { kind: 'restore', month: restore, folder: from, tables };
  }
  if (check && from) return { kind: 'check', folder: from };
  if (list) return { kind: 'list' };
  if (hold) return { kind: 'hold', tenant: hold };
  return release ? { kind: 'release', tenant: release } : undefined;
}

function beforeOf({ before, keep }: Given, now: Date): string | undefined {
  if (keep !== undefined) return /^\d{1,4}$/.test(keep) ? monthBefore(monthOf(now), Number(keep)) : undefined;
  // A month that is not over stays.
  return before !== undefined && isMonth(before) && before <= monthOf(now) ? before : undefined;
}

/** Nothing is asked for that would be passed over in silence. */
const usedBy: Readonly<Record<ArchiveCommand['kind'], (given: Given) => string>> = {
  archive: ({ keep, table }) => names(keep === undefined ? 'before' : 'keep', table === undefined ? '' : 'table', 'to'),
  restore: ({ table }) => names('from', 'restore', table === undefined ? '' : 'table'),
  check: () => 'check,from',
  list: () => 'list',
  hold: () => 'hold',
  release: () => 'release',
};

function names(...used: readonly string[]): string {
  return used.filter(Boolean).join();
}
