// One thing to be told, well or ill, and where to go from there.

import { html, safeHref } from './html.ts';
import type { PageBody } from './layout.ts';

export interface MessageView {
  readonly kind: 'message';
  readonly title: string;
  readonly text: string;
  readonly link?: { readonly href: string; readonly text: string };
  readonly isError: boolean;
}

export function messagePage({ title, text, link, isError }: MessageView): PageBody {
  return {
    title,
    hasError: isError,
    body: html`<div role="${isError ? 'alert' : 'status'}"><p>${text}</p></div>
${link !== undefined && html`<a class="button secondary" href="${safeHref(link.href)}">${link.text}</a>`}`,
  };
}
