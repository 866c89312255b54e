// A Binary as an answer, streamed: its content so that no browser runs it here (security.md 106), or the FHIR resource.

import { Readable } from 'node:stream';
import type { OpenBinary } from '../../repository/binary.ts';
import { binaryJsonBytes } from '../../repository/binary-json.ts';
import { answerFormat, plainFormat } from '../answer-format.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { binaryForm } from './binary-form.ts';

/** Longer ones leave as a stream, unless something else than plain JSON is to become of them. */
const textBytesMax = 1_000_000;

export async function answerBinary(request: InteractionRequest, binary: OpenBinary): Promise<InteractionResponse> {
  const shared = { status: 200, lastModified: binary.lastUpdated };
  const headers = versionHeaders(binary);
  if (binaryForm(request, binary.contentType) === 'native') {
    return { ...shared, headers: { ...headers, ...nativeHeaders(binary) }, body: await streamOf(binary.bytes()) };
  }
  const bytes = binaryJsonBytes(binary);
  if (bytes > textBytesMax && isPlain(request)) {
    const own = { 'Content-Type': plainFormat.contentType, 'Content-Length': String(bytes) };
    return { ...shared, headers: { ...headers, ...own }, body: await streamOf(binary.text()) };
  }
  return { ...shared, headers, body: await bufferOf(binary.text()) };
}

/** Neither XML nor indented, and whole. */
function isPlain({ query, header }: InteractionRequest): boolean {
  return answerFormat(header('Accept'), query) === plainFormat && !query.has('_summary') && !query.has('_elements');
}

/** What a browser opens in spite of all has an origin of its own, and may load and run nothing. */
export const harmless = {
  'Content-Disposition': 'attachment',
  'Content-Security-Policy': "default-src 'none'; sandbox",
} as const;

/** RFC 9110 section 8.3.1 */
const mediaTypeSyntax =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?: ?; ?[\w!#$&^.+-]{1,127}=(?:[\w!#$&^.+:/-]{1,255}|"[\w !#$&^.+:/-]{0,255}"))*$/;

function nativeHeaders({ contentType, securityContext, content }: OpenBinary): Record<string, string> {
  const reference = securityContext?.reference;
  return {
    // A contentType is any code, but not every code can be a header.
    'Content-Type': mediaTypeSyntax.test(contentType) ? contentType : 'application/octet-stream',
    'Content-Length': String(content?.sizeBytes ?? 0),
    ...harmless,
    ...(reference !== undefined && /^[\x21-\x7e]{1,2000}$/.test(reference) && { 'X-Security-Context': reference }),
  };
}

/** Begun before the answer is, so that a content that is missing is a 500 and no broken 200. */
async function streamOf(pieces: AsyncGenerator<Buffer, void>): Promise<Readable> {
  const first = await pieces.next();
  async function* all() {
    for (let next = first; !next.done; next = await pieces.next()) yield next.value;
  }
  const stream = Readable.from(all(), { objectMode: false });
  // Whoever goes away, or wanted the headers only, lets go of the file; a generator that never ran would not.
  stream.once('close', () => void pieces.return().catch(() => undefined));
  return stream;
}

async function bufferOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const collected: Buffer[] = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}
