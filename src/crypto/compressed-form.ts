// Texts that differ in a few values only are compressed once for all of them: LZ4 says where to copy from, not what, so that a value that
// is put where the first text's stands is in all its places (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).

import lz4 from 'lz4-napi';
import { auditEventDictionary } from './dictionaries.ts';
import { packedUuidBytes, packUuids, uuidMark, writeUuid } from './packed-uuids.ts';
import type { Compressed } from './sealed-box.ts';

export interface TextForm {
  /** Before, between and behind the values. */
  readonly pieces: readonly string[];
  /** Which of the values stands behind each piece but the last. */
  readonly order: readonly number[];
}

/** What a value is: a UUID in lower case, or so many characters of ASCII. */
export type Slot = 'uuid' | number;

export interface CompressedForm {
  /** The text with these values, as the compression of AuditEvents gives it; undefined where one is not what its slot says. */
  filled(values: readonly string[]): Compressed | undefined;
}

const { format, bytes: dictionary } = auditEventDictionary;
/** LZ4 begins with the length of what it compressed. */
const lengthBytes = 4;

/** Undefined where the values have no places of their own in what is compressed. */
export function compressForm(form: TextForm, slots: readonly Slot[]): CompressedForm | undefined {
  const samples = slots.map(sampleOf);
  const block = lz4.compressSync(packedText(form, slots, samples), dictionary);
  const places = new Map(
    [...new Set(form.order)].map((slot) => [slot, placeOf(slot, { form, slots, samples, block })]),
  );
  if ([...places.values()].includes(-1)) return undefined;
  return {
    filled(values) {
      const input = Buffer.from(block);
      for (const [slot, at] of places) {
        if (!write(values[slot] as string, slots[slot] as Slot, input, at)) return undefined;
      }
      return { format, input };
    },
  };
}

function write(value: string, slot: Slot, to: Buffer, at: number): boolean {
  if (slot === 'uuid') return writeUuid(value, to, at);
  if (value.length !== slot) return false;
  to.write(value, at, 'latin1');
  return true;
}

/** The n-th slot's: bytes that stand behind each other in no text, and for the first ten slots in no other's sample. */
function sampleOf(slot: Slot, n: number): Buffer {
  return Buffer.from(Array.from({ length: bytesOf(slot) }, (_, at) => ((n * 25 + at) * 97 + 3) % 256));
}

function bytesOf(slot: Slot): number {
  return slot === 'uuid' ? packedUuidBytes : slot;
}

function packedText({ pieces, order }: TextForm, slots: readonly Slot[], values: readonly Buffer[]): Buffer {
  const parts = pieces.flatMap((piece, index) => {
    const text = packUuids(Buffer.from(piece));
    const value = order[index];
    if (value === undefined) return [text];
    return [text, ...(slots[value] === 'uuid' ? [Buffer.of(uuidMark)] : []), values[value] as Buffer];
  });
  return Buffer.concat(parts);
}

interface Sampled {
  readonly form: TextForm;
  readonly slots: readonly Slot[];
  readonly samples: readonly Buffer[];
  /** What the text of the samples was compressed to. */
  readonly block: Buffer;
}

/**
 * Where other bytes instead of the sample's give the text with these bytes in the sample's places, and nowhere else: each that is copied
 * from there is seen, for no bit of them is the same. -1 where there is no such place.
 */
function placeOf(slot: number, { form, slots, samples, block }: Sampled): number {
  const sample = samples[slot] as Buffer;
  const other = sample.map((byte) => byte ^ 0xff) as Buffer;
  const expected = packedText(form, slots, samples.with(slot, Buffer.from(other)));
  let place = block.indexOf(sample, lengthBytes);
  while (place >= 0) {
    const changed = Buffer.from(block);
    changed.set(other, place);
    if (expands(changed, expected)) return place;
    place = block.indexOf(sample, place + 1);
  }
  return -1;
}

function expands(block: Buffer, expected: Buffer): boolean {
  try {
    return lz4.uncompressSync(block, dictionary).equals(expected);
  } catch {
    // What was taken for a value's place says how to copy.
    return false;
  }
}
