// How a word may be written and packed, each by a tool that the scanner does not use: what the scanner must see through.

import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

type Change = (bytes: Buffer) => Buffer;

export const writings: Readonly<Record<string, Change>> = {
  plain: (word) => word,
  'upper case': (word) => Buffer.from(word.toString().toUpperCase()),
  'lower case': (word) => Buffer.from(word.toString().toLowerCase()),
  hex: (word) => Buffer.from(word.toString('hex')),
  'hex in upper case': (word) => Buffer.from(word.toString('hex').toUpperCase()),
  'hex as PostgreSQL writes it': (word) => Buffer.from(`\\x00${word.toString('hex')}ff`),
  base64: (word) => Buffer.from(word.toString('base64')),
  'base64, second place': (word) => Buffer.from(Buffer.concat([Buffer.from('a'), word]).toString('base64')),
  'base64, third place': (word) => Buffer.from(Buffer.concat([Buffer.from('ab'), word]).toString('base64')),
  base64url: (word) => Buffer.from(word.toString('base64url')),
  'UTF-16, little endian': (word) => Buffer.from(word.toString(), 'utf16le'),
  'UTF-16, big endian': (word) => Buffer.from(word.toString(), 'utf16le').swap16(),
  'percent-encoded': (word) => Buffer.from(word.toString('hex').replace(/../g, '%$&')),
  'JSON escapes': (word) => Buffer.from(word.toString('hex').replace(/../g, '\\u00$&')),
  'a Buffer in JSON': (word) => Buffer.from(JSON.stringify(word)),
};

export const compressions: Readonly<Record<string, Change>> = {
  'raw DEFLATE': (content) => deflateRawSync(content),
  'raw DEFLATE, fixed code': (content) => deflateRawSync(content, { strategy: 4 }),
  'raw DEFLATE, Huffman only': (content) => deflateRawSync(content, { strategy: 2 }),
  'raw DEFLATE, fastest': (content) => deflateRawSync(content, { level: 1 }),
  zlib: (content) => deflateSync(content, { level: 9 }),
  gzip: (content) => gzipSync(content),
  'zstd frame': (content) => zstdCompressSync(content),
};

/** Other text before and behind, so that nothing is found only because it stands alone. */
export function surrounded(content: Buffer): Buffer {
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n} of some other text; `).join('');
  return Buffer.concat([Buffer.from(lines), content, Buffer.from(lines)]);
}
