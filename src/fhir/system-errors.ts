// What the operating system refuses for lack of something: https://man7.org/linux/man-pages/man3/errno.3.html

import { type FhirError, fhirError } from './outcome.ts';

/** File descriptors, room on a disk, memory, ports and processes: all of them may be there again in a moment. */
const exhausted: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'EAGAIN'],
]);

const retryAfterSeconds = 10;

/** Undefined for every other error. */
export function outOfResource(error: unknown): FhirError | undefined {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || !exhausted.has(code)) return undefined;
  return fhirError('transient', 'The server is out of a resource; try again later.', {
    cause: error,
    retryAfterSeconds,
  });
}
