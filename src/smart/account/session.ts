// Who is signed in in this browser: oidc-provider's session, as the pages of the account see it.

export interface AccountSession {
  readonly accountId: string;
  /** Of the row `login_session`. */
  readonly sessionHash: Buffer;
}

/** Reads the cookie of the request; undefined when nobody is signed in, or not any more. */
export type CurrentSession = () => Promise<AccountSession | undefined>;
