// What relay and worker tell the outside about themselves: log lines, figures, and points that a test can stop them at.

import { types } from 'node:util';

/** A pino logger is one. */
export interface JobLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface JobMetrics {
  /** All handlers of the event have committed. */
  jobDone(topic: string, durationMs: number): void;
  /** An attempt failed; the queue makes another one. */
  jobFailed(topic: string): void;
  /** No more attempts: somebody has to look at the outbox row. */
  jobDead(topic: string): void;
  /** A job that names no row of its tenant's outbox. */
  jobDropped(): void;
  /** Age of the oldest event that the queue had not got yet; 0 when there was none. */
  relayLag(lagMs: number): void;
}

/** Called at these points and awaited, so that a test can end its own process there. */
export type Reached = (point: FailurePoint) => void | Promise<void>;
export type FailurePoint =
  /** The queue has the jobs, the outbox does not know it yet. */
  | 'relay-added'
  /** The inbox row is written, the handler not yet called. */
  | 'worker-before-effect'
  /** The handler is through, nothing is committed. */
  | 'worker-after-effect'
  /** Everything is committed, the queue does not know it yet. */
  | 'worker-before-ack';

/** These never hold values, but refusals quote what the client wrote, such as an unknown element's name: fhir/outcome.ts, crypto/tenant-cipher.ts, gateways/root-key.ts. */
const ownErrors: ReadonlySet<string> = new Set([
  ...['FhirError', 'SealedBoxError', 'UnknownKeyVersionError', 'KeyRefusal', 'KeyServiceError'],
]);

/** Name, code and place of an error. Its text stays out: a database's error may quote the values of a statement. */
export function errorFields(error: unknown): object {
  if (!types.isNativeError(error)) return { error: typeof error };
  const { code, status } = error as NodeJS.ErrnoException & { readonly status?: unknown };
  const isRefusal = typeof status === 'number' && status < 500;
  return {
    error: error.name,
    ...(typeof code === 'string' ? { code } : codeOfRedis(error)),
    ...(isRefusal ? { status } : {}),
    ...(ownErrors.has(error.name) && !isRefusal ? { message: error.message } : {}),
    stack: stackFrames(error),
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause) }),
  };
}

/** Its first word is a code and holds no value, such as WRONGPASS or NOAUTH: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
function codeOfRedis({ name, message }: Error): { readonly code?: string } {
  const [code] = name === 'ReplyError' ? (/^[A-Z]{3,20}(?= )/.exec(message) ?? []) : [];
  return code === undefined ? {} : { code };
}

/** The text stands in front of the frames, and may have lines that look like some. */
function stackFrames({ message, stack = '' }: Error): string {
  const textStart = stack.indexOf(message);
  if (textStart < 0) return '';
  const lines = stack.slice(textStart + message.length).split('\n');
  return lines.filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line)).join('\n');
}
