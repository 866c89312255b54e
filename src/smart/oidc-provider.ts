// The package oidc-provider with types for the parts we use: https://github.com/panva/node-oidc-provider/blob/main/docs/README.md

import type Koa from 'koa';
import untypedProvider, { errors as untypedErrors } from 'oidc-provider';

export const Provider = untypedProvider as unknown as ProviderConstructor;
export const errors = untypedErrors as unknown as OidcErrors;

type ProviderConstructor = new (issuer: string, configuration: Readonly<Record<string, unknown>>) => OidcProvider;

/** One authorization server; itself a Koa app. */
export interface OidcProvider extends Koa {
  readonly Client: { readonly prototype: OidcClient };
}

export interface OidcClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  /** An extra metadata property of ours. */
  readonly registered_scope: string;
  compareClientSecret(this: OidcClient, presented: string): boolean;
}

export interface OidcContext extends Koa.Context {
  readonly oidc: { readonly params: Record<string, string | undefined> };
}

/** What is issued; `kind` is the name of its model. */
export interface OidcToken {
  readonly kind: string;
  readonly clientId: string;
  readonly scope?: string;
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
}
