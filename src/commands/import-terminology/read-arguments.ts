// The arguments of `npm run admin -- import-terminology`.

import { parseArgs } from 'node:util';
import { ConfigError } from '../../config.ts';
import { distributions } from '../../terminology/import/distributions.ts';

export interface ImportArguments {
  readonly system: string;
  readonly place: string;
  readonly release: string | undefined;
  /** Undefined for --shared. */
  readonly tenant: string | undefined;
}

export const importUsage = `import-terminology --system ${Object.keys(distributions).join('|')} FILE|FOLDER (--tenant NAME | --shared) [--release VERSION]`;

/** Throws a ConfigError that says what is wrong. */
export function readImportArguments(args: readonly string[]): ImportArguments {
  const { values, positionals } = parse(args);
  const { system = '', tenant, shared = false, release } = values;
  const [place, ...more] = positionals;
  if (!Object.hasOwn(distributions, system)) {
    throw new ConfigError(`--system is one of ${Object.keys(distributions).join(', ')}.`);
  }
  if (place === undefined || more.length > 0) throw new ConfigError('Name one file or folder to import.');
  if ((tenant === undefined) !== shared) {
    throw new ConfigError('Say for whom: --tenant NAME, or --shared for all tenants (your licence has to allow it).');
  }
  return { system, place, release, tenant };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { system: text, tenant: text, release: text, shared: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}
