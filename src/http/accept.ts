// Which media type a client likes best: RFC 9110 section 12.5.1

import { splitHeader } from './header-list.ts';
import { mediaTypes, parseMediaType, unspoken } from './media-type.ts';

interface Range {
  /** `type/subtype`, `type/` followed by anything, or '' for everything. */
  readonly name: string;
  readonly quality: number;
  readonly specificity: number;
  readonly position: number;
}

const offers = [...mediaTypes.keys()];

/**
 * The best of the media types this server answers in, undefined when the client takes none. Of equally liked ones the one
 * that is named more exactly wins, then the one that is named first, then the one this server prefers.
 */
export function preferredMediaType(accept: string): string | undefined {
  const ranges = splitHeader(accept, ',').flatMap(parseRange);
  const [best] = offers
    .flatMap((offer) => {
      const range = closestRange(ranges, offer);
      return range && range.quality > 0 ? [{ offer, range }] : [];
    })
    .sort((one, other) => compareRanges(one.range, other.range));
  return best?.offer;
}

function parseRange(text: string, position: number): Range[] {
  const type = parseMediaType(text);
  const quality = qualityOf(type.parameters.get('q'));
  if (quality === undefined || unspoken(type)) return [];
  const range = (name: string, specificity: number) => [{ name, quality, specificity, position }];
  // Old clients send a bare star.
  if (type.name === '*/*' || type.name === '*') return range('', 0);
  if (type.name.endsWith('/*')) return range(type.name.slice(0, -1), 1);
  return range(type.name, type.parameters.has('fhirversion') || type.parameters.has('charset') ? 3 : 2);
}

function qualityOf(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^(?:[01]?\.\d{0,3}|[01])$/.test(text) && Number(text) <= 1 ? Number(text) : undefined;
}

/** The range that says most about the offer; of equal ones the first. */
function closestRange(ranges: readonly Range[], offer: string): Range | undefined {
  let closest: Range | undefined;
  for (const range of ranges) {
    const fits = range.specificity < 2 ? offer.startsWith(range.name) : offer === range.name;
    if (fits && (!closest || range.specificity > closest.specificity)) closest = range;
  }
  return closest;
}

function compareRanges(one: Range, other: Range): number {
  return other.quality - one.quality || other.specificity - one.specificity || one.position - other.position;
}
