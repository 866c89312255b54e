// What is noted in memory of an interaction that changes nothing or was refused, before it is answered; its AuditEvent is made of it:
// https://profiles.ihe.net/ITI/BALP/content.html

/** https://hl7.org/fhir/R4/valueset-restful-interaction.html, and the search of a compartment (R5's code for it). */
export type AccessCode =
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'create'
  | 'search-type'
  | 'search-system'
  | 'search-compartment'
  | 'history-instance'
  | 'history-type'
  | 'history-system'
  | 'operation'
  | 'batch'
  | 'transaction';

/** It becomes JSON as it is, without what is undefined. */
export interface AccessFacts {
  /** Of the AuditEvent: a UUIDv7 that carries `recordedMs`. */
  readonly id: string;
  readonly recordedMs: number;
  /** Absent where no interaction is at the path. */
  readonly interaction?: AccessCode | undefined;
  /** As it was sent: `GET`, `HEAD`, `POST` and the like. */
  readonly method: string;
  /** Below the FHIR base, without a slash at its start; empty for the base itself. As sent, cut at 1,000 characters. */
  readonly path: string;
  /** Behind the `?`, with the form of a POST `_search` appended; empty where there is none. As sent, cut at 4,000 characters. */
  readonly query: string;
  /** Undefined for a refusal at the door: what a token claims that is not valid here is not believed. */
  readonly caller?: CallerFacts | undefined;
  /** The client's address as the connection has it. */
  readonly address?: string | undefined;
  /** X-Request-Id. All entries of a bundle have that of their request. */
  readonly requestId?: string | undefined;
  /** Of an entry in a bundle: its position. */
  readonly entry?: number | undefined;
  readonly outcome: '0' | '4' | '8';
  /** HTTP status of the answer, of the request's own or of the entry's. */
  readonly status: number;
  /** The issue-type code of what was refused. */
  readonly issue?: string | undefined;
  /** `Type/id/_history/n` of what was answered, the matches of a search and what it includes; at most `answeredMax`. */
  readonly answered?: readonly string[] | undefined;
  /** How many were answered in all, where that is more than `answered` names. */
  readonly answeredCount?: number | undefined;
  /** `Patient/id` of whom the query, the answer of an operation or what was answered refers to; those of the path and of `answered` are not repeated. */
  readonly patients?: readonly string[] | undefined;
  /** Of requests that overload turned away unread: how many in all since then. Nothing else is known of them. */
  readonly turnedAway?: { readonly requests: number; readonly sinceMs: number } | undefined;
  /** Of a request to the authorization server by which access began or ended, or was refused. */
  readonly login?: LoginFacts | undefined;
}

export interface LoginFacts {
  /** `reuse`: a code or refresh token came a second time, so that all that was issued with it has ended. */
  readonly act: 'login' | 'logout' | 'reuse';
  /** As it was sent, cut: https://www.rfc-editor.org/rfc/rfc6749#section-4.5 */
  readonly grantType?: string;
}

/** A page of a search has at most 1,000 matches and 1,000 included. */
export const answeredMax = 2_000;
export const patientsMax = 2_000;

/** Who asked, as far as an AuditEvent tells. One object serves all requests of a token. */
export interface CallerFacts {
  readonly kind: 'client' | 'staff' | 'patient' | 'server';
  /** OAuth `client_id`. */
  readonly clientId: string;
  /** `Device/x`, `Practitioner/x`, `Patient/x`: who the caller is in AuditEvents (Caller.agent). */
  readonly reference?: string;
  readonly display: string;
  /** The person on whose behalf the client asks, such as `Practitioner/1`. */
  readonly fhirUser?: string;
  /** Id of the Patient in context. */
  readonly patient?: string;
  /** Of the staff or patient account. */
  readonly accountId?: string;
  /** A code of v3 PurposeOfUse. */
  readonly purposeOfUse?: string;
  /** Slugs of the roles held. */
  readonly roles?: readonly string[];
}
