// Whether a kept answer may be shown once more: whose rights have changed since sees only what it may still read (security.md 62).

import type { Caller } from '../access/caller.ts';
import { may } from '../access/may.ts';
import { find } from '../repository/read.ts';
import { rowsOf } from '../repository/row-access.ts';
import type { Session } from '../repository/session.ts';
import { isVisible } from '../repository/visible.ts';

export interface KeptText {
  /** JSON of a resource, or of a Bundle's entry; undefined where there was nothing but a status. */
  readonly text: string | undefined;
  /** The caller has all the rights now that the answer was made with. */
  readonly hasRights: boolean;
}

/**
 * An answer of more than resources is shown to nobody with other rights: neither the number of matches nor what an operation
 * has computed tells which rows it came from. With the same rights only what patients have denied since then counts.
 */
export async function mayBeShown(session: Session, { text, hasRights }: KeptText): Promise<boolean> {
  if (text === undefined || (hasRights && !session.denials)) return true;
  const shown = shownBy(text);
  if (!hasRights) return shown.isRows && (await isEach(shown.rows, (type, id) => isReadable(session, type, id)));
  return await isNothingDenied({ ...session, caller: withoutLimits(session.caller) }, shown.rows, text);
}

/** Then consents alone keep anything from it. */
function withoutLimits(caller: Caller): Caller {
  const grants = [{ context: 'system', type: '*', permissions: new Set(['r'] as const) }] as const;
  return { ...caller, kind: 'client', grants };
}

async function isReadable(session: Session, type: string, id: string): Promise<boolean> {
  if (!may(session.caller, 'r', type)) return false;
  // Of a Binary only it itself says whose it is.
  if (type !== 'Binary' && !rowsOf(session, 'r', type)) return true;
  const version = await find(session, type, id);
  return version !== undefined && (await isVisible(session, version));
}

const patientReference = /"(?:[^"]*\/)?Patient\/([A-Za-z0-9\-.]{1,64})["/]/g;

/** Also whom it only names, as what is computed does. */
async function isNothingDenied(session: Session, rows: Rows, text: string): Promise<boolean> {
  const patients = new Set([...text.matchAll(patientReference)].map(([, id = '']) => id));
  const isOpen = async (type: string, id: string) => {
    if (!rowsOf(session, 'r', type)) return true;
    const version = await find(session, type, id);
    // What is not stored was made for the answer.
    return version === undefined || (await isVisible(session, version));
  };
  return (await isEach(rows, isOpen)) && (await isEach(new Map([['Patient', patients]]), isOpen));
}

/** Rows that are opened at a time. */
const openedMax = 100;

async function isEach(rows: Rows, is: (type: string, id: string) => Promise<boolean>): Promise<boolean> {
  const all = [...rows].flatMap(([type, ids]) => [...ids].map((id) => [type, id] as const));
  for (let from = 0; from < all.length; from += openedMax) {
    const some = all.slice(from, from + openedMax).map(([type, id]) => is(type, id));
    if ((await Promise.all(some)).includes(false)) return false;
  }
  return true;
}

/** Ids by type. */
type Rows = ReadonlyMap<string, ReadonlySet<string>>;

interface Shown {
  readonly rows: Map<string, Set<string>>;
  /** There is nothing else in it. */
  isRows: boolean;
}

function shownBy(text: string): Shown {
  const shown: Shown = { rows: new Map(), isRows: true };
  try {
    gather(JSON.parse(text), shown);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    shown.isRows = false;
  }
  return shown;
}

/** What may be anywhere in what this server answers. */
interface Part {
  readonly resourceType?: string;
  readonly id?: string;
  readonly type?: string;
  readonly entry?: readonly Part[];
  readonly parameter?: readonly Part[];
  readonly part?: readonly Part[];
  readonly resource?: Part;
  readonly response?: object;
}

function gather(given: Part | null, shown: Shown): void {
  const part = given ?? {};
  const { resourceType, id, type = '', entry = [], parameter = [], part: inner = [], resource } = part;
  // Why something was refused names no record of others.
  if (resourceType === 'OperationOutcome') return;
  if (resourceType !== undefined && id !== undefined && !apart.has(resourceType)) {
    shown.rows.set(resourceType, (shown.rows.get(resourceType) ?? new Set()).add(id));
    return;
  }
  const isAnswers = resourceType === 'Bundle' && /^(?:batch|transaction)-response$/.test(type);
  const isEntry = resourceType === undefined && part.response !== undefined;
  if (!isAnswers && !isEntry) shown.isRows = false;
  for (const one of [...entry, ...parameter, ...inner]) gather(one, shown);
  if (resource) gather(resource, shown);
}

/** They are made for the answer, even where they have an id. */
const apart: ReadonlySet<string> = new Set(['Bundle', 'Parameters']);
