// The thread that prints: laying out a page costs tens of milliseconds, for which no request is to wait.

import { createRequire } from 'node:module';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import bwipjs from 'bwip-js/node';
import pdfmake from 'pdfmake';
import type { Page, PrintJob } from './page.ts';

/** Latin, Greek and Cyrillic, under the Apache License 2.0; it comes with pdfmake. */
const fonts = path.join(
  path.dirname(createRequire(import.meta.url).resolve('pdfmake/package.json')),
  'fonts',
  'Roboto',
);
const fontFile = (name: string) => path.join(fonts, `Roboto-${name}.ttf`);
pdfmake.setFonts({
  Roboto: {
    normal: fontFile('Regular'),
    bold: fontFile('Medium'),
    italics: fontFile('Italic'),
    bolditalics: fontFile('MediumItalic'),
  },
});
// Pages name no files and no addresses: logos are in them as data.
pdfmake.setUrlAccessPolicy(() => false);
pdfmake.setLocalAccessPolicy((file) => path.dirname(file) === fonts);

const pointsPerMm = 72 / 25.4;
/** ISO/IEC 7810 ID-1, as bank cards are. */
const cardSize = { width: 85.6 * pointsPerMm, height: 53.98 * pointsPerMm };

parentPort?.on('message', ({ id, job }: { id: number; job: PrintJob }) => {
  print(job).then(
    (bytes) => parentPort?.postMessage({ id, bytes }),
    (error: unknown) => parentPort?.postMessage({ id, error: String(error) }),
  );
});

async function print({ page, code }: PrintJob): Promise<Uint8Array> {
  if (page) return await pdfmake.createPdf(definitionOf(page)).getBuffer();
  return await bwipjs.toBuffer({ bcid: 'qrcode', text: code, scale: 6 });
}

function definitionOf({ title, language, size, content, barcode, foot, watermark }: Page): object {
  return {
    info: { title, creator: 'HPMS', producer: 'HPMS' },
    language,
    pageSize: size === 'card' ? cardSize : size,
    pageMargins: size === 'card' ? 8 : [48, 48, 48, 56],
    content: [
      ...content,
      ...(barcode === undefined
        ? []
        : [{ svg: bwipjs.toSVG({ bcid: 'code128', text: barcode, height: 8 }), width: 200 }]),
    ],
    defaultStyle: { font: 'Roboto', fontSize: size === 'card' ? 8 : 10, lineHeight: 1.15 },
    ...(watermark !== undefined && { watermark: { text: watermark, opacity: 0.08, bold: true } }),
    ...(foot !== undefined && {
      footer: (page: number, pages: number) => ({
        columns: [
          { text: foot, color: '#555555' },
          { text: `${page} / ${pages}`, alignment: 'right', color: '#555555' },
        ],
        margin: [48, 16, 48, 0],
        fontSize: 8,
      }),
    }),
  };
}
