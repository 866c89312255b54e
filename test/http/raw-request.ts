// HTTP requests byte by byte, for what no client library would send: https://www.rfc-editor.org/rfc/rfc9112

import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 when the server closed the connection without an answer. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The server closed the connection by itself. */
  readonly closed: boolean;
}

/** Longer than the server lingers. */
const silenceMs = 6_000;

/** Sends the bytes, and reads until the server closes the connection or the first answer is complete. */
export function sendRaw(origin: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = '';
    const finish = (closed: boolean) => {
      socket.destroy();
      resolve({ ...parse(received), closed });
    };
    socket.setEncoding('latin1');
    socket.setTimeout(silenceMs, () => finish(false));
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (text: string) => {
      received += text;
      if (isComplete(received) && !/^connection: close/im.test(received)) finish(false);
    });
    socket.on('close', () => finish(true));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that refuses early may reset the connection while the rest is still being sent.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') finish(true);
      else reject(error);
    });
  });
}

/** `lines` are the request line and the headers; Host and the end of the head are added. */
export function rawRequest(lines: readonly string[], body: string | Buffer = ''): Buffer {
  const [first = '', ...headers] = lines;
  const own = headers.some((line) => /^host:/i.test(line)) ? [] : ['Host: hpms.test'];
  return Buffer.concat([
    Buffer.from([first, ...own, ...headers, '', ''].join('\r\n'), 'latin1'),
    typeof body === 'string' ? Buffer.from(body) : body,
  ]);
}

function isComplete(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(received.slice(0, end))?.[1];
  return length === undefined ? / (204|304) /.test(received.slice(0, 15)) : received.length - end - 4 >= Number(length);
}

function parse(received: string): Omit<RawAnswer, 'closed'> {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers: new Map(headers), body: rest.join('\r\n\r\n') };
}
