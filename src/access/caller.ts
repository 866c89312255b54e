// Who makes a request and what the access token lets them do; every write and audit record names one.

export interface Caller {
  readonly tenantId: number;
  /** OAuth `client_id`, or the name of the job that acts for the server itself. */
  readonly clientId: string;
  readonly kind: 'client' | 'staff' | 'patient' | 'server';
  /** The FHIR resource that stands for the caller in AuditEvents: `Device/x`, `Practitioner/x`. */
  readonly agent: { readonly reference?: string; readonly display: string };
  readonly grants: readonly Grant[];
  /** Roles held beside the scopes, such as `clinic-admin`. */
  readonly roles: ReadonlySet<string>;
  /** Rights that are no interaction, of the roles held: `$book`, `op:admin`; absent = none. */
  readonly operations?: ReadonlySet<string>;
  /** Id of the Patient in context, whose compartment `patient/` scopes mean. */
  readonly patient?: string;
  /** Who "own" is, such as `Practitioner/1`. */
  readonly fhirUser?: string;
  /** What the request says it is for, a code of v3 PurposeOfUse; `BTG` where an emergency overrides what keeps from reading. */
  readonly purposeOfUse?: string;
  /** A new patient who is there already: confirmed by X-Confirm-Duplicate, or only reported, as in a bundle; absent = staff are refused. */
  readonly duplicates?: 'confirmed' | 'reported';
  /** The staff or patient account; absent for clients that act for themselves. */
  readonly accountId?: string;
  /** What is being asked, for AuditEvents; absent in what the server does by itself. */
  readonly request?: CallerRequest;
}

export interface CallerRequest {
  /** X-Request-Id. */
  readonly id: string;
  /** The client's address as the connection has it. */
  readonly address?: string;
}

/** One granted SMART scope: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html */
export interface Grant {
  readonly context: 'system' | 'user' | 'patient';
  /** A resource type, or `*`. */
  readonly type: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Search parameters that each row must meet, as in scopes: `category=vital-signs`; absent = none. */
  readonly constraints?: readonly string[];
  /** Only for rows that are the caller's own: `fhirUser` is their participant, author or performer, or their patient. */
  readonly isOwn?: true;
  /** Only updates that change no others but these elements, such as `status`; absent = all. */
  readonly elements?: readonly string[];
}

/** The letters of a SMART v2 scope: create, read, update, delete, search. */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's';

const atRest = new WeakMap<Caller, Caller>();

/** The caller in one request. */
export function inRequest(caller: Caller, request: CallerRequest): Caller {
  const asking = { ...caller, request };
  atRest.set(asking, callerAtRest(caller));
  return asking;
}

/** The same object in all requests of a token, so that what follows from its rights can be kept by it. */
export function callerAtRest(caller: Caller): Caller {
  return atRest.get(caller) ?? caller;
}

/**
 * Whoever may use what was made for the caller: cursors, kept answers, requests in the background. Another person's app is
 * another owner, also where both use the same client.
 */
export function ownerOf({ clientId, accountId, patient }: Caller): string {
  if (accountId === undefined && patient === undefined) return clientId;
  return JSON.stringify([clientId, accountId ?? null, patient ?? null]);
}

/** What the server itself does in a tenant, for example in a job. */
export function serverCaller(tenantId: number, name: string): Caller {
  return {
    tenantId,
    clientId: name,
    kind: 'server',
    agent: { display: name },
    grants: [{ context: 'system', type: '*', permissions: new Set(['c', 'r', 'u', 'd', 's']) }],
    roles: new Set(),
  };
}
