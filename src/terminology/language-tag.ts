// Language tags as their grammar has them: https://www.rfc-editor.org/rfc/rfc5646#section-2.1

/** Well-formed, without a variant or singleton twice; whether the registry lists each part is not looked at. */
export function isLanguageTag(text: string): boolean {
  if (text.length > lengthMax) return false;
  const tag = text.toLowerCase();
  return plain.test(tag) || grandfathered.has(tag) || (langtag.test(tag) && !hasDoubles(tag));
}

/** RFC 5646 section 4.4.1 speaks of 35; private subtags may need more. */
const lengthMax = 100;

/** `de`, `de-CH`: what nearly all tags are. */
const plain = /^[a-z]{2,3}(?:-[a-z]{2})?$/;

const langtag =
  /^(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+)$/;

/** The irregular ones; the regular ones fit the grammar. */
const grandfathered: ReadonlySet<string> = new Set(
  `en-gb-oed i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu sgn-be-fr
   sgn-be-nl sgn-ch-de`.split(/\s+/),
);

/** "The same variant subtag MUST NOT be used more than once", nor a singleton; what follows `x` is private. */
function hasDoubles(tag: string): boolean {
  const parts = tag.split('-');
  const privateAt = parts.indexOf('x');
  const open = privateAt < 0 ? parts : parts.slice(0, privateAt);
  const singletons = open.filter((part) => part.length === 1);
  const extensionAt = open.findIndex((part) => part.length === 1);
  const variants = open
    .slice(1, extensionAt < 0 ? undefined : extensionAt)
    .filter((part) => /^(?:.{5,8}|[0-9]...)$/.test(part));
  return isDoubled(variants) || isDoubled(singletons);
}

function isDoubled(parts: readonly string[]): boolean {
  return new Set(parts).size < parts.length;
}
