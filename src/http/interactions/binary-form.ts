// Whether a Binary is answered as its content or as a FHIR resource: https://hl7.org/fhir/R4/binary.html#rest

import { fhirError } from '../../fhir/outcome.ts';
import { splitHeader } from '../header-list.ts';
import type { InteractionRequest } from '../interaction.ts';
import { fhirJson, fhirXml, mediaTypes, parseMediaType } from '../media-type.ts';

export type BinaryForm = 'native' | 'fhir';

const acceptLengthMax = 1_000;

/**
 * The content, unless FHIR's own types are asked for: by `_format`, or by an Accept that likes them as much. The general types
 * of JSON and XML, which browsers and libraries send with everything, mean FHIR only where the content itself is not wanted.
 */
export function binaryForm(
  request: Pick<InteractionRequest, 'query' | 'header' | 'isForBundle'>,
  contentType: string,
): BinaryForm {
  // A native Binary has no place in a Bundle.
  if (request.isForBundle) return 'fhir';
  const native = nameOf(contentType);
  const format = request.query.get('_format');
  // A literal "+" in a query string means a space.
  if (format !== null) return formNamed(nameOf(format.replace(' ', '+')), native) ?? refuse(native);
  const accept = request.header('Accept') ?? '*/*';
  if (accept.length > acceptLengthMax) throw fhirError('too-long', 'The Accept header is too long.', { status: 400 });
  const ranges = splitHeader(accept, ',').map(parseRange);
  const quality = (names: Iterable<string>) =>
    Math.max(0, ...ranges.filter(named(names)).map((range) => range.quality));
  const nativeQuality = closestQuality(ranges, native);
  const fhirQuality = quality([fhirJson, fhirXml]);
  if (fhirQuality > 0 && fhirQuality >= nativeQuality) return 'fhir';
  if (nativeQuality > 0) return 'native';
  return quality(mediaTypes.keys()) > 0 ? 'fhir' : refuse(native);
}

interface Range {
  readonly name: string;
  readonly quality: number;
}

function formNamed(name: string, native: string): BinaryForm | undefined {
  if (mediaTypes.has(name)) return 'fhir';
  return name === native ? 'native' : undefined;
}

function nameOf(mediaType: string): string {
  return parseMediaType(mediaType).name;
}

/** A quality that is none counts as not sent. */
function parseRange(text: string): Range {
  const { name, parameters } = parseMediaType(text);
  const quality = Number(parameters.get('q') ?? 1);
  return { name: name === '*' ? '*/*' : name, quality: quality >= 0 && quality <= 1 ? quality : 1 };
}

function named(names: Iterable<string>): (range: Range) => boolean {
  const wanted = new Set(names);
  return ({ name }) => wanted.has(name);
}

/** Of the range that says most about the type: RFC 9110 section 12.5.1 */
function closestQuality(ranges: readonly Range[], name: string): number {
  for (const one of [name, `${name.slice(0, name.indexOf('/'))}/*`, '*/*']) {
    const range = ranges.find((candidate) => candidate.name === one);
    if (range) return range.quality;
  }
  return 0;
}

/** What the content is belongs to who may read it, and this caller may. */
function refuse(native: string): never {
  const shown = native.replaceAll(/[^\w!#$&^.+/-]/g, '');
  throw fhirError(
    'not-supported',
    `This Binary is answered as its content (${shown}), or as application/fhir+json or application/fhir+xml.`,
    { status: 406 },
  );
}
