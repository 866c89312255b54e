// `npm run ledger:verify`: recomputes the ledgers of all tenants, or of one, and names the first difference of each (README, Ledger).

import { parseArgs, styleText } from 'node:util';
import { serverCaller } from '../access/caller.ts';
import { LedgerDifference } from '../clinic/ledger/verify/difference.ts';
import { verifyLedger } from '../clinic/ledger/verify/verify-ledger.ts';
import { requireAnchor, type WalkedChain } from '../clinic/ledger/verify/walk-chain.ts';
import { ConfigError, readConfig } from '../config.ts';
import { explain } from '../explain.ts';
import { KeyRefusal } from '../gateways/root-key.ts';
import { openRepository } from '../open-repository.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { count, Report } from './demo/report.ts';
import { withSnapshots } from './snapshots.ts';

const usage = `Use: npm run ledger:verify [-- --tenant NAME [--anchor NUMBER:HASH]]
Each line ends with the number and the hash of the last transaction: kept elsewhere, they are an anchor that a later run is
held to, so that nobody can take away the end of the chain unseen.`;

/** Exit code 1: a ledger is not as it was posted; 2: the command could not do its work. */
const exitCodes = { different: 1, failed: 2 } as const;

interface Tenant {
  readonly id: number;
  readonly name: string;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(explain(error));
  process.exitCode = exitCodes.failed;
}

async function run(args: readonly string[]): Promise<void> {
  const { tenant: name, anchor } = readArguments(args);
  const report = new Report(process.stdout);
  const config = readConfig(process.env, 'required');
  await withSnapshots(config, async (doors) => {
    const { repository } = openRepository({ config, doors });
    const tenants = await doors.systemDoor((trx) =>
      trx.query<Tenant>({ text: "SELECT id, name FROM tenant WHERE status <> 'shredded' ORDER BY name" }),
    );
    const chosen = tenants.filter((tenant) => name === undefined || tenant.name === name);
    if (chosen.length === 0)
      throw new ConfigError(name === undefined ? 'There is no tenant.' : `There is no tenant ${name}.`);
    for (const tenant of chosen) await verifyTenant(repository, tenant, anchor, report);
  });
}

function readArguments(args: readonly string[]): { tenant?: string; anchor?: string } {
  const options = { tenant: { type: 'string' }, anchor: { type: 'string' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const isWhole =
      values.anchor === undefined || (values.tenant !== undefined && /^\d+:[0-9a-f]{64}$/.test(values.anchor));
    if (isWhole) return values;
  } catch {
    // It says what it does not know; people want to know what there is.
  }
  throw new ConfigError(usage);
}

async function verifyTenant(
  repository: Repository,
  { id, name }: Tenant,
  anchor: string | undefined,
  report: Report,
): Promise<void> {
  const progress = (what: string, done: number) => report.progress(`${name}: ${done.toLocaleString('en')} ${what}`);
  try {
    const chain = await inSession(repository, serverCaller(id, 'ledger:verify'), async (session) => {
      if (anchor !== undefined) await requireAnchor(session, anchor);
      return await verifyLedger(session, progress);
    });
    endLine(report, `${name}  ${styleText('green', 'as posted', { stream: process.stdout })}  ${told(chain)}`);
  } catch (error) {
    // Its keys are destroyed or elsewhere, as in a backup of before it was shredded; the others are looked at all the same.
    if (!(error instanceof LedgerDifference || error instanceof KeyRefusal)) throw error;
    endLine(report, `${name}  ${styleText('red', error.message, { stream: process.stdout })}`);
    process.exitCode = exitCodes.different;
  }
}

function told({ headSeq, headHash, lines }: WalkedChain): string {
  const numbers = `${count(Number(headSeq), 'transaction')}, ${lines.toLocaleString('en')} entries`;
  return headSeq === 0n ? numbers : `${numbers}, last ${headSeq}:${headHash}`;
}

/** On a terminal the progress stands in the line that is written next. */
function endLine(report: Report, text: string): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  report.line(text);
}
