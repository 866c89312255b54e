// How often jobs are tried and how soon what was lost is found again.

export interface JobTiming {
  /** Starts of an event's handlers before it is given up as dead. */
  readonly attemptsMax: number;
  /** Before the second attempt; doubled before each further one. */
  readonly backoffMs: number;
  /** How long the queue waits for a sign of life before it gives a job to another worker. */
  readonly lockMs: number;
  /** An event that is published and not done for so long is published again, for ever. */
  readonly republishAfterMs: number;
  /** How often the relay looks without being called. */
  readonly pollMs: number;
}

/** Ten attempts span four to nine minutes. */
export const usualTiming: JobTiming = {
  attemptsMax: 10,
  backoffMs: 500,
  lockMs: 15_000,
  republishAfterMs: 30_000,
  pollMs: 2_000,
};
