// The JSON Patch that leads from one tree to another, with a test of what was there before each replace and remove: https://www.rfc-editor.org/rfc/rfc6902

/** A JSON tree and the texts of its numbers that are not those a number is written as, from json.ts. */
export interface JsonTree {
  readonly value: unknown;
  readonly exactNumbers?: ReadonlyMap<string, string> | undefined;
}

/** The text of the patch, whose numbers keep their exact texts; undefined where it would be longer. */
export function jsonPatchText(before: JsonTree, after: JsonTree, lengthMax: number): string | undefined {
  return new Diff(before, after, lengthMax).text();
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Places are the same in both trees wherever anything is compared: what is alike at the end of two lists is set aside, and
 * what one list has more of is added or removed behind the last place that both have.
 */
class Diff {
  readonly #before: JsonTree;
  readonly #after: JsonTree;
  readonly #operations: string[] = [];
  #lengthLeft: number;

  constructor(before: JsonTree, after: JsonTree, lengthMax: number) {
    this.#before = before;
    this.#after = after;
    this.#lengthLeft = lengthMax;
  }

  text(): string | undefined {
    this.#compare(this.#before.value, this.#after.value, '');
    return this.#lengthLeft < 0 ? undefined : `[${this.#operations.join(',')}]`;
  }

  #compare(old: unknown, next: unknown, place: string): void {
    if (this.#lengthLeft < 0) return;
    if (Array.isArray(old) && Array.isArray(next)) this.#compareLists(old, next, place);
    else if (isObject(old) && isObject(next)) this.#compareObjects(old, next, place);
    else if (!this.#isSame(old, next, place, place)) {
      this.#test(old, place);
      this.#write('replace', place, textOf(next, place, this.#after));
    }
  }

  #compareObjects(old: JsonObject, next: JsonObject, place: string): void {
    for (const [key, value] of membersOf(old)) {
      const at = `${place}/${escapeKey(key)}`;
      if (hasMember(next, key)) this.#compare(value, next[key], at);
      else this.#remove(value, at);
    }
    for (const [key, value] of membersOf(next)) {
      if (hasMember(old, key)) continue;
      const at = `${place}/${escapeKey(key)}`;
      this.#write('add', at, textOf(value, at, this.#after));
    }
  }

  #compareLists(old: readonly unknown[], next: readonly unknown[], place: string): void {
    const shorter = Math.min(old.length, next.length);
    let start = 0;
    while (start < shorter && this.#isSame(old[start], next[start], `${place}/${start}`, `${place}/${start}`)) start++;
    let [oldEnd, nextEnd] = [old.length, next.length];
    const isSameEnd = () =>
      this.#isSame(old[oldEnd - 1], next[nextEnd - 1], `${place}/${oldEnd - 1}`, `${place}/${nextEnd - 1}`);
    while (Math.min(oldEnd, nextEnd) > start && isSameEnd()) {
      oldEnd--;
      nextEnd--;
    }
    const both = Math.min(oldEnd, nextEnd);
    for (let index = start; index < both; index++) this.#compare(old[index], next[index], `${place}/${index}`);
    for (let index = oldEnd - 1; index >= nextEnd; index--) this.#remove(old[index], `${place}/${index}`);
    for (let index = both; index < nextEnd; index++)
      this.#write('add', `${place}/${index}`, textOf(next[index], `${place}/${index}`, this.#after));
  }

  #remove(old: unknown, place: string): void {
    this.#test(old, place);
    this.#write('remove', place);
  }

  #test(old: unknown, place: string): void {
    this.#write('test', place, textOf(old, place, this.#before));
  }

  #write(op: string, place: string, value?: string): void {
    const operation = `{"op":"${op}","path":${JSON.stringify(place)}${value === undefined ? '' : `,"value":${value}`}}`;
    this.#lengthLeft -= operation.length + 1;
    if (this.#lengthLeft >= 0) this.#operations.push(operation);
  }

  #isSame(old: unknown, next: unknown, oldPlace: string, nextPlace: string): boolean {
    if (typeof old === 'number' && typeof next === 'number') {
      return textOf(old, oldPlace, this.#before) === textOf(next, nextPlace, this.#after);
    }
    if (Array.isArray(old) && Array.isArray(next)) {
      return (
        old.length === next.length &&
        old.every((item, index) => this.#isSame(item, next[index], `${oldPlace}/${index}`, `${nextPlace}/${index}`))
      );
    }
    if (!isObject(old) || !isObject(next)) return old === next;
    const members = membersOf(old);
    if (members.length !== membersOf(next).length) return false;
    return members.every(([key, value]) => {
      const at = `/${escapeKey(key)}`;
      return hasMember(next, key) && this.#isSame(value, next[key], oldPlace + at, nextPlace + at);
    });
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON leaves out is not there. */
function membersOf(object: JsonObject): [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined);
}

function hasMember(object: JsonObject, key: string): boolean {
  return Object.hasOwn(object, key) && object[key] !== undefined;
}

function textOf(value: unknown, place: string, tree: JsonTree): string {
  const { exactNumbers } = tree;
  if (!exactNumbers?.size) return JSON.stringify(value);
  if (typeof value === 'number') {
    const text = exactNumbers.get(place);
    return text !== undefined && Object.is(Number(text), value) ? text : JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item, index) => textOf(item, `${place}/${index}`, tree)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const texts = membersOf(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${textOf(member, `${place}/${escapeKey(key)}`, tree)}`,
  );
  return `{${texts.join(',')}}`;
}

/** RFC 6901 section 3. */
function escapeKey(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}
