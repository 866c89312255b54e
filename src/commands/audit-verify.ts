// `npm run audit:verify`: recomputes the proof of the AuditEvents of all tenants, or of one, and names the first difference of each (README, Proof).

import { styleText } from 'node:util';
import { type Anchors, readAnchors } from '../audit/seal/anchor-lines.ts';
import { type Head, publicJwk } from '../audit/seal/head.ts';
import { findSealKey } from '../audit/seal/seal-key.ts';
import type { Milestone } from '../audit/seal/verify/check-anchors.ts';
import { isOurs } from '../audit/seal/verify/check-heads.ts';
import { SealDifference, type SealProgress } from '../audit/seal/verify/difference.ts';
import { type EventProof, proveEvent } from '../audit/seal/verify/prove-event.ts';
import { verifyTokens } from '../audit/seal/verify/verify-tokens.ts';
import { type VerifiedTree, verifyTree } from '../audit/seal/verify/verify-tree.ts';
import { anchorPlaceOf, type Config, ConfigError, readConfig } from '../config.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import type { Doors } from '../doors.ts';
import { explain } from '../explain.ts';
import { openAnchor } from '../gateways/open-anchor.ts';
import { KeyRefusal } from '../gateways/root-key.ts';
import { openRepository } from '../open-repository.ts';
import { openRoots } from '../open-roots.ts';
import type { Repository } from '../repository/session.ts';
import { type AuditVerifyArguments, readArguments } from './audit-verify-arguments.ts';
import { count, perSecond, Report } from './demo/report.ts';
import { withSnapshots } from './snapshots.ts';

/** Exit code 1: something is not as it was sealed; 2: the command could not do its work. */
const exitCodes = { different: 1, failed: 2 } as const;

interface Tenant {
  readonly id: number;
  readonly name: string;
  /** False for one that was shredded: its seal holds, and nobody can tell what it seals. */
  readonly hasKeys: boolean;
}

interface Evidence {
  readonly tenantDoor: TenantDoor;
  /** Empty where there is none: then nobody's signature counts. */
  readonly key: string;
  readonly anchors: Anchors;
  readonly report: Report;
  /** Where tokens are asked for. */
  readonly repository: Repository | undefined;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(explain(error));
  process.exitCode = exitCodes.failed;
}

async function run(args: readonly string[]): Promise<void> {
  const asked = readArguments(args);
  const config = readConfig(process.env, 'required');
  await withSnapshots(config, async (doors) => {
    const tenants = await chosenTenants(doors, asked.tenant);
    const evidence = await gatherEvidence(config, doors, asked);
    if (asked.event === undefined) tellKey(evidence);
    for (const tenant of tenants) await verifyTenant(evidence, tenant, asked);
    if (asked.tenant === undefined) nameMissingTenants(evidence, tenants);
  });
}

async function chosenTenants({ systemDoor }: Doors, name: string | undefined): Promise<Tenant[]> {
  const tenants = await systemDoor((trx) =>
    trx.query<Tenant>({ text: `SELECT id, name, status <> 'shredded' AS "hasKeys" FROM tenant ORDER BY name` }),
  );
  const chosen = tenants.filter((tenant) => name === undefined || tenant.name === name);
  if (chosen.length > 0) return chosen;
  throw new ConfigError(name === undefined ? 'There is no tenant.' : `There is no tenant ${name}.`);
}

async function gatherEvidence(config: Config, doors: Doors, { tokens }: AuditVerifyArguments): Promise<Evidence> {
  const { tenantDoor } = doors;
  const key = (await findSealKey(tenantDoor, openRoots(config.crypto.root))) ?? '';
  const target = openAnchor(anchorPlaceOf(config));
  const anchors = await readAnchors(target);
  const report = new Report(process.stdout);
  // Half a line is what a crash leaves; whoever breaks a line hides no more than by taking it away.
  if (anchors.broken.length > 0) report.line(`Line ${anchors.broken[0]} of ${target.name} is no anchor.`);
  const repository = tokens && openRepository({ config, doors }).repository;
  return { tenantDoor, key, anchors, report, repository };
}

function tellKey({ key, report }: Evidence): void {
  if (key !== '') report.line(`Heads are signed by  ${JSON.stringify(publicJwk(key))}`);
}

/** Of which the anchors know, and the database nothing at all. */
function nameMissingTenants({ anchors, key, report }: Evidence, tenants: readonly Tenant[]): void {
  const there = new Set(tenants.map(({ id }) => id));
  for (const [id, heads] of anchors.byTenant) {
    const ours = heads.findLast((head) => isOurs(head, key));
    if (there.has(id) || !ours) continue;
    const what = `The anchors know of ${count(ours.size, 'event')} of tenant ${id}, which is not there.`;
    report.line(styled('red', `behind-anchor: ${what}`));
    process.exitCode = exitCodes.different;
  }
}

async function verifyTenant(evidence: Evidence, tenant: Tenant, asked: AuditVerifyArguments): Promise<void> {
  const { report } = evidence;
  try {
    const text = await (asked.event === undefined
      ? verifyWhole(evidence, tenant, asked)
      : proveOne(evidence, tenant, asked.event));
    endLine(report, text);
  } catch (error) {
    // Only where tokens are checked: its keys are destroyed or elsewhere.
    if (!(error instanceof SealDifference || error instanceof KeyRefusal)) throw error;
    endLine(report, `${tenant.name}  ${styled('red', error.message)}`);
    process.exitCode = exitCodes.different;
  }
}

async function verifyWhole(evidence: Evidence, tenant: Tenant, { since }: AuditVerifyArguments): Promise<string> {
  const { id, name } = tenant;
  const { tenantDoor, key, report } = evidence;
  const startedAt = performance.now();
  const anchors = evidence.anchors.byTenant.get(id) ?? [];
  const options = { key, anchors, since: milestoneOf(since, anchors), now: new Date() };
  const progress: SealProgress = (done, total) => report.progress(`${name}: ${progressText(done, total, startedAt)}`);
  const verified = await tenantDoor(id, (trx) => verifyTree(trx, { ...options, progress }));
  const durationMs = performance.now() - startedAt;
  const tokens = await verifyItsTokens(evidence, tenant);
  return `${name}  ${styled('green', 'as sealed')}  ${tokens}${told(verified, durationMs)}`;
}

async function verifyItsTokens({ repository, report }: Evidence, { id, name, hasKeys }: Tenant): Promise<string> {
  if (!repository) return '';
  if (!hasKeys) return 'no tokens checked without keys, ';
  const checked = await verifyTokens(repository, id, (done) =>
    report.progress(`${name}: tokens of ${count(done, 'event')}`),
  );
  return checked === undefined
    ? 'no tokens checked while the index key is rotated, '
    : `tokens of ${count(checked, 'event')}, `;
}

function milestoneOf(since: AuditVerifyArguments['since'], anchors: readonly Head[]): Milestone | undefined {
  if (since !== 'last') return since && { ...since, by: 'The anchor given' };
  const last = anchors.at(-1);
  if (last) return { ...last, by: `The anchor of ${last.at.toISOString()}` };
  throw new SealDifference('anchor', 'No anchor is there to go on from.');
}

function progressText(done: number, total: number, startedAt: number): string {
  const ms = performance.now() - startedAt;
  const left = Math.ceil((ms / Math.max(done, 1)) * (total - done) * 0.001);
  return `${done.toLocaleString('en')} of ${count(total, 'event')}, ${perSecond(done, ms)}, about ${left} s left`;
}

function told({ head, checked, heads, archived, waiting, anchored }: VerifiedTree, ms: number): string {
  const parts = [count(checked, 'event'), count(heads, 'head'), `${(ms / 1_000).toFixed(1)} s`, perSecond(checked, ms)];
  if (archived > 0) parts.push(`${count(archived, 'row')} of them archived`);
  if (waiting > 0) parts.push(`${count(waiting, 'event')} waiting to be sealed`);
  if (!head) return parts.join(', ');
  parts.push(anchored ? `anchored up to event ${anchored.size.toLocaleString('en')}` : 'not anchored yet');
  return `${parts.join(', ')}, last ${head.size}:${head.root.toString('hex')}`;
}

/** For programs as well: whoever has the public key can check it without this server. */
async function proveOne({ tenantDoor, key }: Evidence, { id, name }: Tenant, event: string): Promise<string> {
  const proof = await tenantDoor(id, (trx) => proveEvent(trx, event, key));
  return JSON.stringify(proofJson(name, proof), undefined, 2);
}

function proofJson(tenant: string, { id, lastUpdated, leaf, index, path, head }: EventProof): object {
  return {
    ...{ tenant, event: `AuditEvent/${id}`, lastUpdated, leaf: leaf.toString('hex'), index },
    path: path.map((hash) => hash.toString('hex')),
    head: {
      ...{
        tenantId: head.tenantId,
        size: head.size,
        root: head.root.toString('hex'),
        prev: head.prevHash.toString('hex'),
      },
      ...{ at: head.at, key: publicJwk(head.key), signature: head.signature.toString('base64') },
    },
  };
}

function styled(colour: 'green' | 'red', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

/** On a terminal the progress stands in the line that is written next. */
function endLine(report: Report, text: string): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  report.line(text);
}
