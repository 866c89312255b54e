// Puts new journals behind the last one: the next numbers, the running balances and the hashes (domain.md 3.2).

import { newId } from '../../fhir/ids.ts';
import { isKeepable } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { Session } from '../../repository/session.ts';
import { type AccountState, stateKey } from './account-rows.ts';
import type { JournalLine } from './journal.ts';
import {
  type ChainedJournal,
  type ChainedLine,
  type HashedLine,
  hashJournal,
  type Posting,
  type SourceVersion,
} from './journal-chain.ts';

/** The last journal of the tenant. */
export interface ChainHead {
  readonly seq: bigint;
  readonly hash: Buffer;
}

/** Whose revenue an Invoice's is, as its charge said. */
export interface RevenueOwner {
  readonly practitioner: string;
  readonly department: string;
}

export interface ChainContext {
  readonly head: ChainHead;
  readonly accounts: ReadonlyMap<string, AccountState>;
  /** By Invoice id. */
  readonly owners: ReadonlyMap<string, RevenueOwner>;
}

export function chainJournals(session: Session, postings: readonly Posting[], context: ChainContext): ChainedJournal[] {
  const states = new Map(context.accounts);
  const owners = new Map(context.owners);
  let { head } = context;
  return postings.map((posting) => {
    for (const [invoice, owner] of newOwners(posting)) owners.set(invoice, owner);
    const lines = posting.lines.map((line) => chainLine(posting, line, states, owners));
    const journal = chainJournal(session, posting, lines, head);
    head = journal;
    return journal;
  });
}

function chainJournal(
  { at, caller, trx }: Session,
  posting: Posting,
  lines: readonly ChainedLine[],
  { seq: lastSeq, hash: prevHash }: ChainHead,
): ChainedJournal {
  const id = newId(at.getTime());
  const seq = lastSeq + 1n;
  const source = sourceVersion(posting.source);
  const actor = caller.agent.reference ?? '';
  const { type, businessDate, idempotencyKey, subject = '', reverses = '', reason = '', facts = {} } = posting;
  const { method = '', drawer = '' } = facts;
  const rows = lines.map((line) => hashedLine(posting, line));
  const said = { type, businessDate, source, subject, idempotencyKey, reverses, actor, reason, method, drawer };
  const hash = hashJournal({ tenantId: trx.tenantId, seq, id, ...said, recordedAt: at, lines: rows, prevHash });
  return { id, seq, posting, lines, source, actor, recordedAt: at, prevHash, hash };
}

function chainLine(
  posting: Posting,
  line: JournalLine,
  states: Map<string, AccountState>,
  owners: ReadonlyMap<string, RevenueOwner>,
): ChainedLine {
  const key = stateKey({ ...line.account, currency: posting.currency });
  const before = states.get(key);
  if (!before) throw new Error(`Account ${line.account.number} was not opened.`);
  const seq = before.seq + 1n;
  const balanceMinor = before.balanceMinor + line.amountMinor;
  if (!isKeepable(balanceMinor)) throw tooMuch(line.account.number);
  const state = { ...before, seq, balanceMinor };
  states.set(key, state);
  const { practitioner, department } = owners.get(line.invoice ?? '') ?? nobody;
  return { ...line, state, accountSeq: seq, balanceAfterMinor: balanceMinor, practitioner, department };
}

function tooMuch(number: string): Error {
  const diagnostics = `Account ${number} of the ledger would hold more than 18 digits: void what was entered by mistake first.`;
  return fhirError('business-rule', diagnostics);
}

const nobody: RevenueOwner = { practitioner: '', department: '' };

/** A charge says whose revenue its Invoice is. */
function newOwners({ type, facts = {}, lines }: Posting): [string, RevenueOwner][] {
  if (type !== 'CHARGE') return [];
  const { practitioner = '', department = '' } = facts;
  return lines.flatMap(({ invoice }) => (invoice === undefined ? [] : [[invoice, { practitioner, department }]]));
}

export function hashedLine({ currency }: Pick<Posting, 'currency'>, line: ChainedLine): HashedLine {
  const { state, amountMinor, accountSeq, balanceAfterMinor, practitioner, department } = line;
  const { party = '', invoice = '', revenue = '', credit = '' } = line;
  const { accountId, controlId } = state;
  const place = { accountId, controlId, currency, amountMinor, accountSeq, balanceAfterMinor };
  return { ...place, party, invoice, revenue, credit, practitioner, department };
}

function sourceVersion(source: string): SourceVersion {
  const target = parseReference(source);
  if (target.kind !== 'resource' || target.versionId === undefined) {
    throw new Error('The source of a posting names a version of a resource.');
  }
  return { type: target.type, id: target.id, version: Number(target.versionId) };
}
