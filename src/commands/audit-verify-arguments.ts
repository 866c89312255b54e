// What `npm run audit:verify` is asked for.

import { parseArgs } from 'node:util';
import { ConfigError } from '../config.ts';

const usage = `Use: npm run audit:verify [-- [--tenant NAME [--event ID | --since SIZE:ROOT | --since last]] [--tokens]]
Without arguments all tenants are verified: every stored AuditEvent, the tree over them, its signed heads and the anchors
outside the database. --event shows the proof of one AuditEvent; --since verifies only what came behind an anchor, the last
one that is kept or one that you kept yourself: the size and root that an earlier run ended with. --tokens also opens every
event and makes its search tokens again, which takes longer.`;

export interface AuditVerifyArguments {
  readonly tenant?: string;
  readonly event?: string;
  readonly tokens?: true;
  readonly since?: 'last' | { readonly size: number; readonly root: Buffer };
}

/** Throws a ConfigError that says what there is. */
export function readArguments(args: readonly string[]): AuditVerifyArguments {
  const { tenant, event, since, tokens } = parse(args);
  const isOfOne = event !== undefined || since !== undefined;
  if ((isOfOne && tenant === undefined) || (event !== undefined && (since !== undefined || tokens)))
    throw new ConfigError(usage);
  return {
    ...(tenant !== undefined && { tenant }),
    ...(event !== undefined && { event: event.replace(/^AuditEvent\//, '') }),
    ...(since !== undefined && { since: readSince(since) }),
    ...(tokens && { tokens }),
  };
}

function parse(args: readonly string[]): { tenant?: string; event?: string; since?: string; tokens?: true } {
  const text = { type: 'string' } as const;
  try {
    const options = { tenant: text, event: text, since: text, tokens: { type: 'boolean' } } as const;
    const { tokens, ...values } = parseArgs({ args: [...args], options }).values;
    return { ...values, ...(tokens && { tokens }) };
  } catch {
    // It says what it does not know; people want to know what there is.
    throw new ConfigError(usage);
  }
}

function readSince(text: string): NonNullable<AuditVerifyArguments['since']> {
  if (text === 'last') return 'last';
  const { size, root = '' } = /^(?<size>\d{1,15}):(?<root>[0-9a-f]{64})$/.exec(text)?.groups ?? {};
  if (size === undefined) throw new ConfigError(usage);
  return { size: Number(size), root: Buffer.from(root, 'hex') };
}
