// Request bodies that come compressed: RFC 9110 section 8.4

import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { fhirError } from '../fhir/outcome.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
};

/** For the header Accept-Encoding of a 415: RFC 9110 section 12.5.3 */
export const readCodings = 'gzip, br, deflate';

/** Undefined for a body that comes as it is. Throws 415 for other codings, and for several one over the other. */
export function decoderOf(contentEncoding: string | undefined): (() => Transform) | undefined {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return undefined;
  const decoder = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
  if (decoder) return decoder;
  throw fhirError('not-supported', `Send the body without Content-Encoding, or with one of ${readCodings}.`, {
    status: 415,
  });
}
