// When a sign-in still counts, as a condition of SQL: it was not ended, is not too old, and was used not too long ago.

/** On rows of `login_session AS session`. */
export const sessionIsLive = `session.expires_at > now()
  AND session.last_used_at + make_interval(secs => session.idle_seconds) > now()`;

/** Its use is noted once a minute, so that a token's use is no write. */
export const sessionIsIdle = "session.last_used_at < now() - interval '1 minute'";
