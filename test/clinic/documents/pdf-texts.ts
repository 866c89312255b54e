// Reads the texts of a PDF as pdfkit writes them: streams are deflated, and the fonts' ToUnicode maps lead from glyphs to characters.

import { inflateSync } from 'node:zlib';

/** Each run of words that belong together: ISO 32000-1, 9.4 and 9.10.3. */
export function pdfTexts(pdf: Buffer): string[] {
  const objects = objectsOf(pdf.toString('latin1'));
  const fonts = fontsOf(objects);
  const words = [...objects.values()].flatMap(({ stream }) => (stream ? wordsOf(stream, fonts) : []));
  const texts: string[] = [];
  let open = false;
  for (const word of words) {
    if (open) texts.push((texts.pop() ?? '') + word);
    else texts.push(word);
    // A word that is followed by another on its line ends with what stands between them.
    open = /[ -]$/.test(word);
  }
  return texts.map((text) => text.trim().replaceAll('\u00a0', ' '));
}

interface PdfObject {
  readonly text: string;
  readonly stream: string | undefined;
}

function objectsOf(pdf: string): Map<string, PdfObject> {
  return new Map(
    [...pdf.matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj/g)].map(([, id = '', body = '']) => {
      const begin = body.indexOf('stream\n');
      const raw = begin < 0 ? '' : body.slice(begin + 7, body.lastIndexOf('\nendstream'));
      const isDeflated = begin >= 0 && body.slice(0, begin).includes('/FlateDecode');
      const stream = isDeflated ? inflateSync(Buffer.from(raw, 'latin1')).toString('latin1') : undefined;
      return [id, { text: begin < 0 ? body : body.slice(0, begin), stream }];
    }),
  );
}

type Glyphs = ReadonlyMap<string, string>;

/** By the name that pages call a font by. */
function fontsOf(objects: ReadonlyMap<string, PdfObject>): Map<string, Glyphs> {
  const fonts = new Map<string, Glyphs>();
  for (const { text } of objects.values()) {
    for (const [, name = '', id = ''] of text.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      const map = /\/ToUnicode (\d+) 0 R/.exec(objects.get(id)?.text ?? '')?.[1];
      const stream = map === undefined ? undefined : objects.get(map)?.stream;
      if (stream !== undefined) fonts.set(name, glyphsOf(stream));
    }
  }
  return fonts;
}

function glyphsOf(map: string): Glyphs {
  const glyphs = new Map<string, string>();
  for (const [, first = '', , list = ''] of map.matchAll(/<(\w{4})> <(\w{4})> \[([^\]]*)\]/g)) {
    for (const [offset, [, code = '']] of [...list.matchAll(/<([\w ]+)>/g)].entries()) {
      const glyph = (Number.parseInt(first, 16) + offset).toString(16).padStart(4, '0');
      glyphs.set(glyph, Buffer.from(code.replaceAll(' ', ''), 'hex').swap16().toString('utf16le'));
    }
  }
  return glyphs;
}

function wordsOf(content: string, fonts: ReadonlyMap<string, Glyphs>): string[] {
  const words: string[] = [];
  let glyphs: Glyphs = new Map();
  for (const [, font, shown] of content.matchAll(/\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ/g)) {
    if (font !== undefined) glyphs = fonts.get(font) ?? new Map();
    const hex = [...(shown ?? '').matchAll(/<(\w+)>/g)].map(([, part]) => part).join('');
    if (hex !== '') words.push((hex.match(/.{4}/g) ?? []).map((glyph) => glyphs.get(glyph) ?? '?').join(''));
  }
  return words;
}
