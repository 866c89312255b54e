// The frame of every page: title, language, stylesheet, the clinic's name above one card; it needs no script.

import { styleSheet } from './assets.ts';
import { type Html, html } from './html.ts';

export interface PageContext {
  /** The clinic's name, for people. */
  readonly tenantDisplay: string;
  /** `/t/{tenant}`. */
  readonly basePath: string;
  readonly language: 'en';
  /** IANA zone in which times are shown; UTC when absent. */
  readonly timeZone?: string;
}

export interface PageBody {
  readonly title: string;
  readonly body: Html;
  /** Said in the window's title, which screen readers speak first. */
  readonly hasError?: boolean;
  /** More than a form: takes more room on large screens. */
  readonly isWide?: boolean;
}

/** Names come from outside and may be written from right to left: `bdi` keeps them from turning their surroundings round. */
export function layOut({ title, body, hasError, isWide }: PageBody, context: PageContext): string {
  const { tenantDisplay, basePath, language } = context;
  return html`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="robots" content="noindex"/>
<meta name="color-scheme" content="light dark"/>
<title>${hasError && 'Error: '}${title} - ${tenantDisplay}</title>
<link rel="stylesheet" href="${basePath}/assets/${styleSheet.name}"/>
<link rel="icon" href="data:,"/>
</head>
<body>
<header class="clinic"><bdi>${tenantDisplay}</bdi></header>
<main class="${isWide ? 'card wide' : 'card'}">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.toString();
}
