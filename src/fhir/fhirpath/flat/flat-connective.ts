// The connectives and, or, xor and implies over conditions that may be empty: https://hl7.org/fhirpath/N1/#boolean-logic

import type { Decision, Truth } from './flat-part.ts';

/** Of two values that are never empty, the plain operators will do. */
export function flatConnective(operator: 'and' | 'or' | 'xor' | 'implies', a: Decision, b: Decision): Decision {
  const isTotal = a.isTotal && b.isTotal;
  return { kind: 'truth', isTotal, test: (isTotal ? total : partial)[operator](a.test, b.test) };
}

type Connect = (a: Truth, b: Truth) => Truth;

const total: Readonly<Record<'and' | 'or' | 'xor' | 'implies', Connect>> = {
  and: (a, b) => (node, run) => a(node, run) === true && b(node, run) === true,
  or: (a, b) => (node, run) => a(node, run) === true || b(node, run) === true,
  xor: (a, b) => (node, run) => a(node, run) !== b(node, run),
  implies: (a, b) => (node, run) => a(node, run) === false || b(node, run) === true,
};

const partial: Readonly<Record<'and' | 'or' | 'xor' | 'implies', Connect>> = {
  and: (a, b) => (node, run) => {
    const left = a(node, run);
    if (left === false) return false;
    const right = b(node, run);
    if (right === false) return false;
    return left === true && right === true ? true : undefined;
  },
  or: (a, b) => (node, run) => {
    const left = a(node, run);
    return left === true ? true : eitherOf(left, b(node, run));
  },
  xor: (a, b) => (node, run) => {
    const [left, right] = [a(node, run), b(node, run)];
    return left === undefined || right === undefined ? undefined : left !== right;
  },
  implies: (a, b) => (node, run) => {
    const left = a(node, run);
    return left === false ? true : eitherOf(left === undefined ? undefined : false, b(node, run));
  },
};

/** `left` is not true. */
function eitherOf(left: false | undefined, right: boolean | undefined): boolean | undefined {
  if (right === true) return true;
  return left === false && right === false ? false : undefined;
}
