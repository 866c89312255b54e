// Every page is well-formed, says the same whatever stands in it, and has what screen readers and password managers look for (WCAG 2.2).

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { findAsset, styleSheet } from '../../../src/smart/pages/assets.ts';
import { html, safeHref } from '../../../src/smart/pages/html.ts';
import { pageHeaders } from '../../../src/smart/pages/page-headers.ts';
import { type PageView, renderPage } from '../../../src/smart/pages/pages.ts';
import { pageContext, sampleViews } from './sample-views.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly within: readonly string[];
  text: string;
}

/** Pages are written as XML, so that a strict parser sees every mistake that a browser would mend in silence. */
function parse(page: string): Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser({});
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes, within: open.map((outer) => outer.name), text: '' };
    elements.push(element);
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.on('text', (text) => {
    for (const element of open) element.text += text;
  });
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(page).close();
  return elements;
}

const rendered = Object.entries(sampleViews).map(
  ([name, view]) => [name, parse(renderPage(view, pageContext))] as const,
);

describe('texts in a page', () => {
  const alarming = fc.constantFrom(
    ...['</title><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' autofocus onfocus='x", '<!--', '-->'],
    ...[']]>', '&lt;', '&#60;script&#62;', '`', '\u0000', '\u202e', '\ud800', 'javascript:alert(1)', '\\x3c', '%3C'],
  );
  const hostile = fc.oneof(
    alarming,
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.tuple(alarming, alarming).map((two) => two.join('')),
  );
  const names = fc.constantFrom(...Object.keys(sampleViews));

  test('never add, end or change an element or an attribute: security.md 107', () => {
    const skeleton = (page: string) => parse(page).map(({ name, attributes }) => `${name} ${Object.keys(attributes)}`);
    fc.assert(
      fc.property(names, fc.array(hostile, { minLength: 60, maxLength: 60 }), (name, texts) => {
        const view = sampleViews[name]!;
        const plain = renderPage(
          withTexts(view, () => 'plain'),
          pageContext,
        );
        const spoilt = renderPage(
          withTexts(view, (index) => texts[index % texts.length]!),
          {
            ...pageContext,
            tenantDisplay: texts[0]!,
          },
        );
        expect(skeleton(spoilt)).toEqual(skeleton(plain));
      }),
      { numRuns: 300, seed: 6_001 },
    );
  });

  test('come out as they went in, but for what is no character', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const [element] = parse(html`<p title="${text}">${text}</p>`.toString());
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant.
        const expected = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd');
        // A parser makes one line end of each kind, and a space of it in an attribute.
        expect(element?.text).toBe(expected.replace(/\r\n?/g, '\n'));
        expect(element?.attributes.title).toBe(expected.replace(/\r\n?|\n|\t/g, ' '));
      }),
      { numRuns: 500, seed: 6_002 },
    );
  });

  test('links lead to paths of this server and to web addresses, and run nothing', () => {
    for (const href of [
      'javascript:alert(1)',
      ' javascript:x',
      'data:text/html,x',
      '//evil',
      '/\\evil',
      'mailto:a',
      '',
    ]) {
      expect(safeHref(href)).toBe('#');
    }
    expect(safeHref('/t/a/account?x=1')).toBe('/t/a/account?x=1');
    expect(safeHref('https://app.example.org')).toBe('https://app.example.org/');
  });
});

describe.each(rendered)('the page %s', (name, elements) => {
  const find = (wanted: string) => elements.filter((element) => element.name === wanted);

  test('has a language, a title, one heading of the first order and no script or style of its own', () => {
    expect(find('html')[0]?.attributes.lang).toBe('en');
    expect(find('title')[0]?.text).toMatch(/ - Riverside Clinic$/);
    expect(find('meta').map(({ attributes }) => attributes.content)).toContain('width=device-width, initial-scale=1');
    expect(find('h1')).toHaveLength(1);
    expect([...find('script'), ...find('style')]).toEqual([]);
    const attributes = elements.flatMap((element) => Object.keys(element.attributes));
    expect(attributes.filter((attribute) => attribute === 'style' || attribute.startsWith('on'))).toEqual([]);
  });

  test('labels every field, describes it by what is there, and says what may fill it in', () => {
    const ids = elements.flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const labelled = new Set(find('label').map(({ attributes }) => attributes.for));
    for (const { attributes } of find('input')) {
      if (attributes.type === 'hidden' || attributes.hidden !== undefined) continue;
      expect(labelled).toContain(attributes.id);
      for (const id of attributes['aria-describedby']?.split(' ') ?? []) expect(ids).toContain(id);
      if (attributes.type !== 'checkbox') expect(attributes.autocomplete).toMatch(/^[a-z-]+$/);
    }
    for (const { attributes } of find('img')) expect(attributes.alt).not.toBe('');
    for (const button of find('button')) expect(button.text.trim()).not.toBe('');
    expect(elements.filter(({ attributes }) => attributes.autofocus !== undefined).length).toBeLessThanOrEqual(1);
  });

  test('sends its forms by POST with the token against forgery', () => {
    for (const { attributes } of find('form')) expect(attributes).toMatchObject({ method: 'post' });
    const tokens = find('input').filter(({ attributes }) => attributes.name === 'csrf');
    expect(tokens).toHaveLength(find('form').length);
  });

  test('speaks of an error at once, in the title and at the field', () => {
    const view = sampleViews[name]!;
    const isError = 'error' in view || (view.kind === 'message' && view.isError);
    expect(find('title')[0]?.text.startsWith('Error: ')).toBe(isError);
    expect(elements.filter(({ attributes }) => attributes.role === 'alert')).toHaveLength(isError ? 1 : 0);
    if (!('error' in view)) return;
    const wrong = find('input').filter(({ attributes }) => attributes['aria-invalid'] === 'true');
    expect(wrong.length).toBeGreaterThan(0);
    for (const { attributes } of wrong) expect(attributes['aria-describedby']).toMatch(/\berror$/);
  });
});

describe('what the forms say', () => {
  const page = (view: PageView) => parse(renderPage(view, pageContext));
  const completions = (name: string) =>
    page(sampleViews[name]!).flatMap(({ attributes }) => (attributes.autocomplete ? [attributes.autocomplete] : []));

  test('password managers and telephones know the fields: https://html.spec.whatwg.org/#autofill', () => {
    expect(completions('login')).toEqual(['username', 'current-password']);
    expect(completions('second-factor')).toEqual(['one-time-code']);
    expect(completions('new-password')).toEqual(['username', 'new-password']);
  });

  test('a right that the app must have cannot be unticked, and is sent', () => {
    const scopes = page(sampleViews.consent!).filter(({ attributes }) => attributes.name === 'scope');
    expect(scopes.map(({ attributes }) => attributes.type)).toEqual(['hidden', 'checkbox', 'checkbox', 'checkbox']);
    expect(scopes[2]?.attributes.value).toContain('patient/Observation.rs?category=');
  });

  test("an app's address that would run a script is not shown", () => {
    const view = { ...sampleViews.consent!, clientUri: 'javascript:alert(1)' } as PageView;
    expect(page(view).filter(({ name }) => name === 'a')).toEqual([]);
  });
});

describe('the headers of a page', () => {
  test('let nothing run and nobody frame it, and say where its forms may lead: security.md 59', () => {
    const headers = pageHeaders();
    expect(headers['Content-Security-Policy']).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers).toMatchObject({ 'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY' });
  });

  test.each([
    ['https://app.example.org/callback?x=1', ' https:'],
    ['http://127.0.0.1:5173/cb', ' http: https:'],
    ['org.example.app:/callback', ' org.example.app:'],
    ["https://a.example/; script-src 'unsafe-inline'", ' https:'],
    ['no address', ''],
    ['javascript:alert(1)', ''],
    ['data:text/html,x', ''],
  ])('a redirect to %s adds%s', (redirectUri, added) => {
    expect(pageHeaders({ redirectUri })['Content-Security-Policy']).toContain(`form-action 'self'${added};`);
  });
});

test('the stylesheet has a name of its content, is kept for ever, and no other asset is there', () => {
  expect(styleSheet.name).toMatch(/^pages-[\w-]{12}\.css$/);
  expect(findAsset(styleSheet.name)?.headers['Cache-Control']).toContain('immutable');
  expect(findAsset('../pages.css')).toBeUndefined();
});

/** The same view with its texts, but not what selects among its kinds, replaced in order. */
function withTexts(view: PageView, textAt: (index: number) => string): PageView {
  let count = 0;
  const replace = (value: unknown, key?: string): unknown => {
    if (typeof value === 'string') return key === 'kind' ? value : textAt(count++);
    if (Array.isArray(value)) return value.map((item) => replace(item));
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replace(inner, name)]));
  };
  return replace(view) as PageView;
}
