// The stylesheet of all pages, under a name that changes with its content, so that browsers may keep it for ever.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const css = readFileSync(new URL('./pages.css', import.meta.url));
const hash = createHash('sha256').update(css).digest('base64url').slice(0, 12);

export const styleSheet: Asset = {
  name: `pages-${hash}.css`,
  body: css,
  headers: {
    'Content-Type': 'text/css; charset=utf-8',
    'Cache-Control': 'public, max-age=31536000, immutable',
    'X-Content-Type-Options': 'nosniff',
  },
};

export interface Asset {
  readonly name: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is at `/t/{tenant}/assets/{name}`; undefined is a 404. */
export function findAsset(name: string): Asset | undefined {
  return name === styleSheet.name ? styleSheet : undefined;
}
