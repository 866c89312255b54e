// The one place where texts become HTML: whatever is put into the template is escaped, unless it came out of the template itself.

/** HTML that is safe to send: only `html` makes it. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Content = Html | string | number | false | undefined | readonly Content[];

/** Attribute values must stand in double quotes and elements be closed as in XML, which the tests parse pages as. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.reduce((text, part, index) => text + toText(contents[index - 1]) + part));
}

/** A link that runs nothing: a path of this server or a web address; `#` for anything else, such as `javascript:`. */
export function safeHref(href: string): string {
  if (/^\/(?![/\\])/.test(href)) return href;
  const url = URL.parse(href);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : '#';
}

function toText(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Html) return content.toString();
  if (typeof content === 'object') return content.map(toText).join('');
  return escapeText(String(content));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Everything else is no character of XML 1.0: controls, halves of surrogate pairs. */
const noCharacter = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

function escapeText(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => entities[character] ?? '').replace(noCharacter, '\u{FFFD}');
}
