// The lines of a JSON text where elements stand that are named by FHIRPath.

/** One line for each expression, counted from 1: that of the element, or of the nearest around it that is there. */
export function linesOf(text: string, expressions: readonly string[]): number[] {
  const targets = expressions.map((expression) => ({ steps: stepsOf(expression), offset: 0 }));
  new Walk(text).value(targets, 0);
  return targets.map(({ offset }) => lineAt(text, offset));
}

interface Target {
  /** Names and indexes below the resource. */
  readonly steps: readonly (string | number)[];
  /** Of the nearest element found so far. */
  offset: number;
}

function stepsOf(expression: string): (string | number)[] {
  const [, ...names] = expression.split('.');
  return names.flatMap((name) => {
    const [, plain = name, index] = /^([^[]*)\[(\d+)\]$/.exec(name) ?? [];
    return index === undefined ? [plain] : [plain, Number(index)];
  });
}

/** Goes through a text that is known to be JSON once, for all targets together. */
class Walk {
  private readonly text: string;
  private readonly tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

  constructor(text: string) {
    this.text = text;
  }

  /** `depth`: how many steps of the targets lead to this value. */
  value(targets: readonly Target[], depth: number): void {
    const token = this.next();
    if (token === '{') this.members(targets, depth);
    else if (token === '[') this.items(targets, depth);
  }

  private members(targets: readonly Target[], depth: number): void {
    for (let token = this.next(); token !== '}' && token !== ''; token = this.next()) {
      if (token === ',') continue;
      const offset = this.tokens.lastIndex - token.length;
      const key = token.slice(1, -1);
      this.next();
      this.value(
        follow(targets, depth, offset, (step) => typeof step === 'string' && isMember(key, step)),
        depth + 1,
      );
    }
  }

  private items(targets: readonly Target[], depth: number): void {
    let index = 0;
    for (let token = this.peek(); token !== ']' && token !== ''; token = this.peek()) {
      if (token === ',') this.next();
      else {
        const offset = this.tokens.lastIndex + this.text.slice(this.tokens.lastIndex).search(/\S/);
        this.value(
          follow(targets, depth, offset, (step) => step === index),
          depth + 1,
        );
        index++;
      }
    }
    this.next();
  }

  private next(): string {
    return this.tokens.exec(this.text)?.[0] ?? '';
  }

  private peek(): string {
    const { lastIndex } = this.tokens;
    const token = this.next();
    this.tokens.lastIndex = lastIndex;
    return token;
  }
}

function follow(
  targets: readonly Target[],
  depth: number,
  offset: number,
  fits: (step: string | number | undefined) => boolean,
): Target[] {
  const found = targets.filter(({ steps }) => fits(steps[depth]));
  for (const target of found) target.offset = offset;
  return found;
}

/** `valueQuantity` and `_value` for `value`. */
function isMember(key: string, name: string): boolean {
  const plain = key.startsWith('_') ? key.slice(1) : key;
  return plain === name || (plain.startsWith(name) && /^[A-Z]/.test(plain.slice(name.length)));
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
