// The exact texts of a resource's numbers, found from the object a number stands in: https://hl7.org/fhir/R4/datatypes.html#decimal

/** Undefined for a number whose text is its shortest. */
export interface ExactTexts {
  textOf(holder: object, name: string): string | undefined;
}

/** Many expressions ask about one resource. */
const known = new WeakMap<ReadonlyMap<string, string>, { readonly resource: object; readonly texts: ExactTexts }>();

/** From the side map of parseJson: JSON Pointer -> text. */
export function exactTexts(resource: object, exactNumbers: ReadonlyMap<string, string>): ExactTexts {
  const found = known.get(exactNumbers);
  if (found?.resource === resource) return found.texts;
  const texts = readTexts(resource, exactNumbers);
  known.set(exactNumbers, { resource, texts });
  return texts;
}

/** Read when the first is asked for: there may be a hundred thousand, and most are about nothing that anybody asks. */
function readTexts(resource: object, exactNumbers: ReadonlyMap<string, string>): ExactTexts {
  let texts: ReadonlyMap<object, ReadonlyMap<string, string>> | undefined;
  return {
    textOf(holder, name) {
      texts ??= byHolder(resource, exactNumbers);
      return texts.get(holder)?.get(name);
    },
  };
}

function byHolder(resource: object, exactNumbers: ReadonlyMap<string, string>) {
  const texts = new Map<object, Map<string, string>>();
  // Those of one holder stand together.
  let [place, holder]: [string | undefined, unknown] = [undefined, undefined];
  for (const [pointer, text] of exactNumbers) {
    const cut = pointer.lastIndexOf('/');
    if (pointer.slice(0, cut) !== place) {
      place = pointer.slice(0, cut);
      const segments = place.split('/').slice(1).map(unescaped);
      holder = segments.reduce<unknown>((node, segment) => Object(node)[segment], resource);
    }
    if (typeof holder !== 'object' || holder === null) continue;
    const ofHolder = texts.get(holder) ?? new Map<string, string>();
    texts.set(holder, ofHolder.set(unescaped(pointer.slice(cut + 1)), text));
  }
  return texts;
}

/** RFC 6901 section 3. */
function unescaped(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
