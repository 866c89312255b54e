// The package oidc-provider with types for the parts we use: https://github.com/panva/node-oidc-provider/blob/main/docs/README.md

import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import untypedProvider, { errors as untypedErrors, interactionPolicy as untypedInteractionPolicy } from 'oidc-provider';
import type { ProvenSignIn, SignInGround } from './proven-sign-in.ts';

export const Provider = untypedProvider as unknown as ProviderConstructor;
export const errors = untypedErrors as unknown as OidcErrors;
export const interactionPolicy = untypedInteractionPolicy as unknown as InteractionPolicy;

interface ProviderConstructor {
  new (issuer: string, configuration: Readonly<Record<string, unknown>>): OidcProvider;
  /** Of the request under way. */
  readonly ctx: OidcContext | undefined;
}

/** One authorization server; itself a Koa app. */
export interface OidcProvider extends Koa {
  readonly Client: { readonly prototype: OidcClient; find(clientId: string): Promise<OidcClient | undefined> };
  readonly Session: { get(ctx: Koa.Context): Promise<OidcSession>; findByUid(uid: string): Promise<OidcSession> };
  readonly Grant: new (of: { readonly accountId: string; readonly clientId: string }) => OidcGrant;
  readonly AccessToken: new (of: Readonly<Record<string, unknown>>) => OidcAccessToken;
  readonly ResourceServer: new (identifier: string, details: Readonly<Record<string, unknown>>) => unknown;
  registerGrantType(
    name: string,
    handler: (ctx: OidcContext) => Promise<void>,
    parameters: readonly string[] | ReadonlySet<string>,
  ): void;
  interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<OidcInteraction>;
  /** The URL to go on at. */
  interactionResult(req: IncomingMessage, res: ServerResponse, result: InteractionResult): Promise<string>;
}

export interface OidcClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly clientName?: string;
  readonly clientUri?: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly string[];
  readonly clientAuthMethod: string;
  /** Extra metadata properties of ours. */
  readonly registered_scope: string;
  readonly registered_roles: readonly string[];
  readonly registered_logout_uris: readonly string[];
  readonly previous_secret_hash?: string;
  compareClientSecret(this: OidcClient, presented: string): boolean;
  grantTypeAllowed(type: string): boolean;
}

/** In the cookie is its `jti`, which changes at every sign-in; `uid` stays. */
export interface OidcSession {
  readonly uid: string;
  readonly accountId?: string;
  ensureClientContainer(clientId: string): void;
  grantIdFor(clientId: string, grantId: string): void;
}

export interface OidcGrant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}

export interface OidcAccessToken {
  /** Seconds. */
  readonly expiration: number;
  save(): Promise<string>;
}

export interface OidcInteraction {
  readonly uid: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly prompt: { readonly name: string; readonly details: Readonly<Record<string, unknown>> };
  session?: { readonly uid?: string; readonly accountId?: string } | undefined;
  result?: InteractionResult & {
    readonly pending?: PendingLogin;
    readonly vouched?: VouchedIdentity;
    /** The person is asked whether the vouched identity is its own; nobody is signed in yet. */
    readonly proven?: ProvenSignIn;
  };
  /** What the interactions before have come to. */
  readonly lastSubmission?: InteractionResult;
  persist(): Promise<unknown>;
}

/** What an interaction has come to; what earlier ones of the same request came to is kept. */
export interface InteractionResult {
  readonly login?: ProvenSignIn & { readonly remember: boolean };
  readonly launch?: PickedContext;
  readonly consent?: { readonly scopes: readonly string[] };
  readonly error?: string;
  readonly error_description?: string;
}

/** What the person has chosen. */
export interface PickedContext {
  /** Whose record is opened. */
  readonly patient?: string;
  /** Null: none of those there are. */
  readonly encounter?: string | null;
}

/** Another identity provider has said who it is; whose account that is here, the password and then the person say. */
export interface VouchedIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** For people: the provider, and what it calls the person. */
  readonly display: string;
  readonly knownAs: string;
}

/** The password was right; nobody is signed in yet. */
export interface PendingLogin extends SignInGround {
  /** The clinic wants a second step, and there is none yet. */
  readonly mustEnrol: boolean;
}

export interface OidcContext extends Koa.Context {
  readonly oidc: {
    readonly route: string;
    readonly params: Record<string, string | undefined>;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly client: OidcClient;
    readonly session: OidcSession;
    readonly account?: OidcAccount;
    readonly result?: InteractionResult;
    readonly resourceServers: Readonly<Record<string, { scope: string }>>;
    readonly entities: Readonly<Record<string, OidcEntity | undefined>>;
    readonly provider: OidcProvider;
    entity(name: string, value: unknown): void;
    promptPending(name: string): boolean;
  };
}

interface OidcEntity {
  readonly jti?: string;
  readonly scope?: string;
  readonly grantId?: string;
  readonly accountId?: string;
}

export interface OidcAccount {
  readonly accountId: string;
  claims(): Readonly<Record<string, unknown>>;
}

/** What is issued; `kind` is the name of its model. */
export interface OidcToken {
  readonly kind: string;
  readonly clientId: string;
  readonly scope?: string;
  readonly grantId?: string;
}

export interface JwtParts {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload: { readonly jti: string; readonly iat: number; readonly exp: number };
}

/** What a model's instance stores; which members it has depends on the model. */
export interface OidcPayload {
  readonly jti?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly grantId?: string;
  readonly accountId?: string;
  readonly consumed?: number;
  readonly [member: string]: unknown;
}

/** https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js */
export interface OidcAdapter {
  find(id: string): Promise<OidcPayload | undefined>;
  upsert?(id: string, payload: OidcPayload, expiresInSeconds: number): Promise<void>;
  findByUid?(uid: string): Promise<OidcPayload | undefined>;
  consume?(id: string): Promise<void>;
  destroy?(id: string): Promise<void>;
  revokeByGrantId?(grantId: string): Promise<void>;
}

interface OidcErrors {
  readonly InvalidClientAuth: new (detail: string) => Error;
  readonly InvalidGrant: new (detail: string) => Error;
  readonly InvalidRequest: new (description: string) => Error;
  readonly InvalidScope: new (description: string) => Error;
  readonly InvalidTarget: new (description?: string) => Error;
  readonly SessionNotFound: new (description: string) => Error;
}

type CheckOf = (ctx: OidcContext) => boolean | Promise<boolean>;

/** The questions that must be answered before an app is let in, in their order. */
interface InteractionPolicy {
  readonly Check: new (
    reason: string,
    description: string,
    error: string,
    check: CheckOf,
    details?: (ctx: OidcContext) => unknown,
  ) => unknown;
  readonly Prompt: new (
    options: { readonly name: string; readonly requestable: boolean },
    ...checks: unknown[]
  ) => unknown;
  readonly base: () => {
    get(name: string): { readonly checks: { add(check: unknown): void } };
    remove(name: string): void;
    add(prompt: unknown): void;
  };
}
