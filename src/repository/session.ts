// One unit of work on a tenant's resources: the transaction, the caller and the keys it runs with.

import type { AccessNotes } from '../access/access-notes.ts';
import type { Caller } from '../access/caller.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import { type TenantCipher, UnknownKeyVersionError } from '../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction, WorkKind } from '../database/tenant-transaction.ts';
import type { BuiltIns } from '../fhir/definitions/built-ins.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { ObjectStore } from '../gateways/object-store.ts';
import type { Extract } from '../search/extract.ts';
import type { Validate } from '../validation/validate.ts';
import type { Denials } from './consents/denials.ts';
import { isStaleDefinitions } from './own-parameters/stale-definitions.ts';
import type { TenantDefinitions } from './own-parameters/tenant-definitions.ts';
import type { ProfilePolicy } from './profiles/check-profiles.ts';
import type { Rules } from './rules.ts';
import type { ArchivesReader } from './tell-archived.ts';

/** What the repository is made of; one for the life of the process. */
export interface Repository {
  /** Those that all tenants have: R4's, with this project's own search parameters. */
  readonly definitions: Definitions;
  /** Those of a tenant, with search parameters of its own; absent = those of all. */
  readonly tenantDefinitions?: DefinitionsReader;
  /** What patients of a tenant deny by their Consents; absent = nothing. */
  readonly denials?: DenialsReader;
  /** Which months of the tenants are in files; absent = none. */
  readonly archives?: ArchivesReader;
  /** Definitions that the server itself answers; absent = none. */
  readonly builtIns?: BuiltIns;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  /** What is sealed beside resources; absent = nothing is sealed again. */
  readonly sealedColumns?: readonly SealedColumn[];
  /** Of the role that writes the tokens of AuditEvents anew; absent = nobody does. */
  readonly reindexDoor?: TenantDoor;
  readonly objectStore: ObjectStore;
  readonly validate: Validate;
  /** By the search parameters that all tenants have. */
  readonly extract: Extract;
  readonly rules: Rules;
  /** What the tenant's settings say of its writes. */
  readonly policiesOf: (tenantId: number) => Policies | Promise<Policies>;
  /** Signs the cursors of pages. */
  readonly cursorKey: Buffer;
  readonly now: () => Date;
  /** Told of stored rows that do not open, where the work goes on without them; absent = nobody is. */
  readonly onDamage?: ((tenantId: number, error: unknown) => void) | undefined;
  /** URL of the server, for AuditEvents to say where they are from; absent = they do not. */
  readonly site?: string;
  /** Of a tenant's FHIR API, as clients know it; absent = resources are named by relative references alone. */
  readonly baseUrlOf?: (tenantId: number) => Promise<string>;
}

export interface Policies {
  /** Literal references must resolve inside the tenant (setting `references.check`). */
  readonly checksReferences: boolean;
  /** What becomes of writes that have not their profiles (settings `profiles.check`, `profiles.required`). */
  readonly profilePolicy: ProfilePolicy;
}

export interface DenialsReader {
  /** At once when they were asked for within the last second. */
  of(tenantId: number): Denials | undefined | Promise<Denials | undefined>;
}

export interface DefinitionsReader {
  /** At once when they were asked for within the last second. */
  of(tenantId: number): TenantDefinitions | Promise<TenantDefinitions>;
  /** To be called when they have changed. */
  forget(): void;
}

export interface Session extends Policies {
  readonly repository: Repository;
  readonly trx: TenantTransaction;
  readonly caller: Caller;
  readonly cipher: TenantCipher;
  /** What the tenant's resources can be searched by. */
  readonly definitions: Definitions;
  /** What is stored for searches, also for those that cannot be asked yet. */
  readonly extract: Extract;
  /** Every write tells it to the database, which refuses it when it is not the tenant's any more. */
  readonly definitionsVersion: number;
  /** What patients keep from others; absent where no patient of the tenant does. */
  readonly denials?: Denials | undefined;
  /** `lastUpdated` of everything this session writes. */
  readonly at: Date;
  /** Told of what is shown, where that is put on record. */
  readonly notes?: AccessNotes;
}

/** Of those who change search parameters at once, each runs again for each that was faster; there are as many as connections. */
const attemptsMax = 20;

/**
 * Runs `work` in one transaction of the caller's tenant, `kind` being `write` unless it only reads. It may run again: after
 * a deadlock, where another process has begun to use a newer key, and where the tenant's search parameters have changed.
 */
export async function inSession<T>(
  repository: Repository,
  caller: Caller,
  work: (session: Session) => Promise<T>,
  kind: WorkKind = 'write',
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runSession(repository, caller, work, kind);
    } catch (error) {
      if (!isOutdated(repository, error)) throw error;
      // Its key was looked for twice: there is none, and the box is no key's.
      if (error instanceof UnknownKeyVersionError && attempt > 2) throw error;
      if (attempt === attemptsMax) throw restless(error);
    }
  }
}

function restless(cause: unknown): Error {
  const diagnostics = "The tenant's keys or search parameters change again and again; try again shortly.";
  return fhirError('transient', diagnostics, { cause, retryAfterSeconds: 1 });
}

/** True when it would be another session that ran the work again. */
function isOutdated({ tenantDefinitions }: Repository, error: unknown): boolean {
  if (error instanceof UnknownKeyVersionError) return true;
  if (!isStaleDefinitions(error)) return false;
  tenantDefinitions?.forget();
  return true;
}

async function runSession<T>(
  repository: Repository,
  caller: Caller,
  work: (session: Session) => Promise<T>,
  kind: WorkKind,
): Promise<T> {
  const known = sessionParts(repository, caller.tenantId);
  const parts = known instanceof Promise ? await known : known;
  return await repository.tenantDoor(
    caller.tenantId,
    (trx) => work({ repository, trx, caller, ...parts, at: repository.now() }),
    kind,
  );
}

type SessionParts = Pick<
  Session,
  'cipher' | 'definitions' | 'extract' | 'definitionsVersion' | 'denials' | keyof Policies
>;

/**
 * What a session has of its tenant, at once when all of it is known. Whatever needs a connection of its own is loaded before
 * the transaction: transactions that wait for connections could wait for each other.
 */
export function sessionParts(repository: Repository, tenantId: number): SessionParts | Promise<SessionParts> {
  const cipher = repository.keyRing.loadedCipherOf(tenantId);
  const policies = repository.policiesOf(tenantId);
  const own = repository.tenantDefinitions?.of(tenantId) ?? { ...repository, version: 0, keyEpoch: 0 };
  const denials = repository.denials?.of(tenantId);
  const isKnown = !(policies instanceof Promise) && !(own instanceof Promise) && !(denials instanceof Promise);
  if (cipher && isKnown && cipher.epoch >= own.keyEpoch) return partsOf(cipher, own, policies, denials);
  return gatherParts(repository, tenantId, [own, policies, denials]);
}

async function gatherParts(
  { keyRing }: Repository,
  tenantId: number,
  loading: readonly [
    TenantDefinitions | Promise<TenantDefinitions>,
    Policies | Promise<Policies>,
    Denials | undefined | Promise<Denials | undefined>,
  ],
): Promise<SessionParts> {
  const [cipher, own, policies, denials] = await Promise.all([keyRing.cipherOf(tenantId), ...loading]);
  if (cipher.epoch >= own.keyEpoch) return partsOf(cipher, own, policies, denials);
  // A key was rotated since this process has loaded them.
  keyRing.outdate(tenantId);
  return partsOf(await keyRing.cipherOf(tenantId), own, policies, denials);
}

function partsOf(
  cipher: TenantCipher,
  { definitions, extract, version }: TenantDefinitions,
  policies: Policies,
  denials: Denials | undefined,
): SessionParts {
  return { cipher, definitions, extract, definitionsVersion: version, denials, ...policies };
}
