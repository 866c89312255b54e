// When a sign-in still counts, as conditions of SQL: it was not ended, is not too old, was used not too long ago, and by somebody who may still sign in.

/** On rows of `login_session AS session`. */
export const sessionIsLive = `session.expires_at > now()
  AND session.last_used_at + make_interval(secs => session.idle_seconds) > now()`;

/** Its use is noted once a minute, so that a token's use is no write. */
export const sessionIsIdle = "session.last_used_at < now() - interval '1 minute'";

/** On rows of `account`. */
export const accountMaySignIn = 'account.active AND NOT account.must_reset';
