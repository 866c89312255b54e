// The grammar of UCUM's case-sensitive codes: https://ucum.org/ucum#section-Grammar-of-Units-and-Terms

import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** True for a term of the units and prefixes that UCUM defines, such as `10*3/uL`, `mm[Hg]`, `{score}`. */
export function isUcumCode(code: string): boolean {
  const answer = known.get(code);
  if (answer !== undefined) return answer;
  if (code.length > codeLengthMax) return false;
  const isTerm = new UcumTerm(code, unitAtoms()).isWhole();
  if (known.size >= knownMax) known.clear();
  known.set(code, isTerm);
  return isTerm;
}

const codeLengthMax = 200;
const depthMax = 20;
/** A clinic uses some hundred units over and over. */
const knownMax = 2000;
const known = new Map<string, boolean>();

class UcumTerm {
  private readonly code: string;
  private readonly atoms: UnitAtoms;
  private position = 0;

  constructor(code: string, atoms: UnitAtoms) {
    this.code = code;
    this.atoms = atoms;
  }

  isWhole(): boolean {
    if (this.code[0] === '/') this.position++;
    return this.readTerm(0) && this.position === this.code.length;
  }

  /** component, then `.component` or `/component` as often as there are */
  private readTerm(depth: number): boolean {
    if (!this.readComponent(depth)) return false;
    while (this.code[this.position] === '.' || this.code[this.position] === '/') {
      this.position++;
      if (!this.readComponent(depth)) return false;
    }
    return true;
  }

  private readComponent(depth: number): boolean {
    const next = this.code[this.position];
    if (next === '{') return this.readAnnotation();
    const isRead = next === '(' ? this.readGroup(depth + 1) : this.readUnitOrFactor();
    // LOINC's own units annotate groups and factors too: `(8.h){shift}`.
    return isRead && (this.code[this.position] !== '{' || this.readAnnotation());
  }

  private readGroup(depth: number): boolean {
    this.position++;
    if (depth > depthMax || !this.readTerm(depth) || this.code[this.position] !== ')') return false;
    this.position++;
    return true;
  }

  /** Printable ASCII without braces. */
  private readAnnotation(): boolean {
    return this.readMatch(/\{[!-z|~]*\}/y) !== undefined;
  }

  private readUnitOrFactor(): boolean {
    const power = this.readMatch(/10[*^](?:[+-]?[0-9]+)?/y);
    if (power !== undefined || this.readMatch(/[0-9]+/y) !== undefined) return true;
    const symbol = this.readMatch(/(?:\[[!-Z^-z|~/\\]+\]|[!-'*,;-Z^-z|~_"])+/y);
    if (symbol === undefined || !isUnit(symbol, this.atoms)) return false;
    this.readMatch(/[+-]?[0-9]+/y);
    return true;
  }

  private readMatch(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.code)?.[0];
    this.position += found?.length ?? 0;
    return found;
  }
}

function isUnit(symbol: string, { units, metricUnits, prefixes }: UnitAtoms): boolean {
  if (units.has(symbol)) return true;
  for (const length of [1, 2]) {
    if (prefixes.has(symbol.slice(0, length)) && metricUnits.has(symbol.slice(length))) return true;
  }
  return false;
}

interface UnitAtoms {
  readonly units: ReadonlySet<string>;
  readonly metricUnits: ReadonlySet<string>;
  readonly prefixes: ReadonlySet<string>;
}

let atoms: UnitAtoms | undefined;

/** From the tables of @lhncbc/ucum-lhc, without its 12 MB of objects: only the names of units are needed here. */
function unitAtoms(): UnitAtoms {
  if (atoms) return atoms;
  const folder = dirname(findPackageJSON('@lhncbc/ucum-lhc', import.meta.url) as string);
  const tables = JSON.parse(readFileSync(join(folder, 'data', 'ucumDefs.min.json'), 'utf8')) as UcumTables;
  const { config, data } = tables.units;
  const [code, isBase, isMetric, source] = ['csCode_', 'isBase_', 'isMetric_', 'source_'].map((name) =>
    config.indexOf(name),
  ) as [number, number, number, number];
  // The other rows are terms made of these, for choosing from.
  const defined = data.filter((row) => row[source] === 'UCUM');
  atoms = {
    units: new Set(defined.map((row) => String(row[code]))),
    metricUnits: new Set(defined.filter((row) => row[isBase] || row[isMetric]).map((row) => String(row[code]))),
    prefixes: new Set(tables.prefixes.data.map(([prefix]) => String(prefix))),
  };
  return atoms;
}

interface UcumTables {
  readonly prefixes: { readonly data: readonly (readonly unknown[])[] };
  readonly units: { readonly config: readonly unknown[]; readonly data: readonly (readonly unknown[])[] };
}
