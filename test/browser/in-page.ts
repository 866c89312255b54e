// What is measured inside the page: how wide it is, how large what can be pressed is, how well its texts stand out (WCAG 2.2).

import type { Page } from 'playwright-core';

/** How far the page can be scrolled to the side. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
}

/** Whatever can be pressed and is lower or narrower than that; links inside sentences may be (WCAG 2.5.8). */
export function smallTargets(page: Page, pixelsMin: number): Promise<string[]> {
  return page.evaluate(`(() => {
    const all = [...document.querySelectorAll('button, input:not([type=hidden]):not([hidden]), summary, .aside a, .button')];
    // A tick counts with its label, which ticks it too.
    const area = (element) => (element.type === 'checkbox' ? element.closest('li') : element).getBoundingClientRect();
    return all.filter((element) => area(element).height < ${pixelsMin} || area(element).width < ${pixelsMin})
      .map((element) => element.outerHTML);
  })()`);
}

/** Texts whose colour has less contrast to what they stand on: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
export function faintTexts(page: Page, ratioMin: number): Promise<string[]> {
  return page.evaluate(`(() => {
    const rgb = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const backgroundOf = (element) => {
      for (let outer = element; outer; outer = outer.parentElement) {
        const color = rgb(getComputedStyle(outer).backgroundColor);
        if (color[3] === undefined || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };
    const ratio = (element) => {
      const [a, b] = [rgb(getComputedStyle(element).color), backgroundOf(element)].map(luminance);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const holdsText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    return [...document.body.querySelectorAll('*')].filter(holdsText).filter((element) => ratio(element) < ${ratioMin})
      .map((element) => element.textContent + ' ' + ratio(element).toFixed(2));
  })()`);
}

/** What the keyboard comes to, in order, from the top of the page to its end; each must show that it is there. */
export async function tabStops(page: Page): Promise<{ readonly names: string[]; readonly unseen: string[] }> {
  const [names, unseen]: [string[], string[]] = [[], []];
  // A field may have the focus from the start: the round begins after the end of the page.
  while ((await nextStop(page)).name !== undefined);
  for (;;) {
    const { name, isSeen } = await nextStop(page);
    if (name === undefined) return { names, unseen };
    names.push(name);
    if (!isSeen) unseen.push(name);
  }
}

/** No name is none on the page. */
async function nextStop(page: Page): Promise<{ readonly name?: string; readonly isSeen?: boolean }> {
  await page.keyboard.press('Tab');
  return await page.evaluate(`(() => {
    const element = document.activeElement;
    if (element === document.body) return {};
    const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return { name: label.trim(), isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
  })()`);
}
