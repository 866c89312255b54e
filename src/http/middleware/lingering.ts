// An answer to a client that is still sending its body: RFC 9112 section 9.6, closing a connection in stages.

import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';

/** For so long the rest of the body is read and thrown away. */
const lingerMs = 2_000;

/**
 * Gives `text` at once and ends when the client has sent all or the time is over: a connection closed before that is reset,
 * and the reset takes an answer from the client that it has not read yet.
 */
export function lingering(request: IncomingMessage, text: string): Readable {
  const body = new PassThrough();
  body.write(text);
  const timer = setTimeout(end, lingerMs).unref();
  function end(): void {
    clearTimeout(timer);
    body.end();
  }
  request.once('end', end).once('close', end).resume();
  return body;
}
