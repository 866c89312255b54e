// Reads TypeScript files the way the architecture test needs them: what they import, how long they and their functions are.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

export interface SourceFile {
  /** From the top of the repository, such as `src/fhir/outcome.ts`. */
  readonly file: string;
  readonly firstLine: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Has `export ... from`. */
  readonly reexports: boolean;
  readonly functions: readonly { readonly name: string; readonly lines: number }[];
}

export interface Import {
  /** A file of the repository, or the name of a package. */
  readonly target: string;
  /** Gone when the code runs. */
  readonly typeOnly: boolean;
}

export function readSourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  const names = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.posix.join(folder, name),
    ),
  );
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => readSource(name, readFileSync(path.join(root, name), 'utf8')));
}

export function readSource(file: string, text: string): SourceFile {
  const imports: Import[] = [];
  const functions: { name: string; lines: number }[] = [];
  const lineAt = lineCounter(text);
  let reexports = false;
  const add = (from: string, typeOnly: boolean) => {
    const target = from.startsWith('.') ? path.posix.join(path.posix.dirname(file), from) : from;
    imports.push({ target, typeOnly });
  };
  const visit = (node: Node, name: string) => {
    if (node.type === 'ImportDeclaration') {
      const all = node.specifiers ?? [];
      add(
        node.source?.value ?? '',
        node.typeOnly === true || (all.length > 0 && all.every((one) => one.isTypeOnly === true)),
      );
      return;
    }
    if ((node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') && node.source) {
      reexports = true;
      add(node.source.value, node.typeOnly === true);
      return;
    }
    // import('./x.ts'), new URL('./x.ts', import.meta.url) and the like.
    if (node.type === 'StringLiteral' && /^\.{1,2}\/.*\.ts$/.test(String(node.value))) add(String(node.value), false);
    const ownName = nameOf(node) ?? name;
    if (functionTypes.has(node.type) && node.span) {
      functions.push({ name: ownName, lines: lineAt(node.span.end) - lineAt(node.span.start) + 1 });
    }
    for (const child of childrenOf(node)) visit(child, ownName);
  };
  visit(parseSync(text, { syntax: 'typescript', target: 'es2024' }) as unknown as Node, '');
  const lines = text.split('\n');
  return { file, firstLine: lines[0] ?? '', lines: lines.length - 1, imports, reexports, functions };
}

/** What is read of swc's syntax tree; its own types do not describe all of it. */
interface Node {
  readonly type: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly source?: { readonly value: string } | null;
  readonly specifiers?: readonly { readonly isTypeOnly?: boolean }[];
  readonly typeOnly?: boolean;
  readonly value?: unknown;
  readonly id?: Named;
  readonly identifier?: Named;
  readonly key?: Named;
}

interface Named {
  readonly value?: unknown;
}

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
  'GetterProperty',
  'SetterProperty',
]);

function nameOf(node: Node): string | undefined {
  const named = [node.identifier, node.id, node.key].find((one) => typeof one?.value === 'string');
  return named?.value as string | undefined;
}

/** Some stand deeper, in lists and in objects without a type of their own, such as a call's arguments. */
function* childrenOf(value: object): Generator<Node> {
  for (const inner of Object.values(value)) {
    if (typeof inner !== 'object' || inner === null) continue;
    if ('type' in inner) yield inner as Node;
    else yield* childrenOf(inner);
  }
}

/** swc counts bytes from 1. */
function lineCounter(text: string): (position: number) => number {
  const bytes = Buffer.from(text);
  return (position) => {
    let line = 1;
    for (let at = bytes.indexOf(10); at !== -1 && at < position - 1; at = bytes.indexOf(10, at + 1)) line += 1;
    return line;
  };
}
