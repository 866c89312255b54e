// Parts of resources that are made once and never changed: what follows from them is worked out once too, however many resources
// have them.

const lastingParts = new WeakSet<object>();

/** Whoever makes it promises that nothing in it is ever changed; it is frozen, what it holds is not. */
export function lasting<Part extends object>(part: Part): Part {
  lastingParts.add(Object.freeze(part));
  return part;
}

/** Works out once what follows from a lasting part, and of any other each time. */
export function onceOfLasting<Part extends object, Result>(make: (part: Part) => Result): (part: Part) => Result {
  const known = new WeakMap<Part, Result>();
  return (part) => {
    if (!lastingParts.has(part)) return make(part);
    const found = known.get(part);
    if (found !== undefined) return found;
    const made = make(part);
    known.set(part, made);
    return made;
  };
}
