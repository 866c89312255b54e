// SMART scopes, versions 1 and 2: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import type { Grant, Permission } from '../access/caller.ts';

export interface Scope {
  /** As it was asked for, so that a v1 scope is answered as v1. */
  readonly text: string;
  /** Absent where the scope is well-formed but gives no right to resources, or one this server cannot narrow down yet. */
  readonly grant?: Grant;
}

/** The text is no list of scopes at all: `invalid_scope`. */
export class MalformedScope extends Error {
  override readonly name = 'MalformedScope';
}

export const scopesLengthMax = 8_000;
const scopesMax = 500;

const resourceScope =
  /^(?<context>patient|user|system)\/(?<type>\*|[A-Z][A-Za-z]{0,63})\.(?<permissions>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?<constraint>[\w:.-]+=[^?&]+(?:&[\w:.-]+=[^?&]+)*))?$/;
/** A parameter of the type itself, with a modifier or without: not one that leads elsewhere or shapes an answer. */
const constraintSyntax =
  /^(?!_(?:has|list|filter|content|text|query|sort|count|include|revinclude|summary|elements|total|contained|containedType|cursor|format|pretty|type)\b)\w[\w-]*(?::(?!(?:in|not-in|above|below)=)[\w-]+)?=.+$/;
const otherScope = /^(openid|profile|email|address|phone|fhirUser|online_access|offline_access|launch(\/[a-z]+)?)$/;

/** Many libraries ask for them unless told otherwise. No claim stands behind them here, so they are never granted: OpenID Connect Core, 5.4. */
export const scopesWithoutClaims: ReadonlySet<string> = new Set(['email', 'address', 'phone']);

/** What the permissions of version 1 say in letters. */
const versionOne: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** Throws MalformedScope; empty is none. Types that R4 does not have are well-formed, but nothing can be granted on them. */
export function parseScopes(text: string, resourceTypes: ReadonlySet<string>): Scope[] {
  if (text.length > scopesLengthMax) throw new MalformedScope('There are too many scopes.');
  const parts = text === '' ? [] : [...new Set(text.split(' '))];
  if (parts.length > scopesMax) throw new MalformedScope('There are too many scopes.');
  return parts.map((part) => parseScope(part, resourceTypes));
}

function parseScope(text: string, resourceTypes: ReadonlySet<string>): Scope {
  if (otherScope.test(text)) return { text };
  const { context, type, permissions, constraint } = resourceScope.exec(text)?.groups ?? {};
  if (context === undefined || type === undefined || permissions === undefined) {
    throw new MalformedScope('A scope is not one of SMART App Launch, such as system/Patient.rs.');
  }
  const letters = versionOne[permissions];
  if (letters !== undefined && constraint !== undefined) {
    throw new MalformedScope('A scope of version 1 has no search parameters.');
  }
  const constraints = constraint === undefined ? [] : [...new Set(constraint.split('&'))].sort();
  // A constraint that is not enforced must not be granted: without it the scope would be wider than asked for.
  if (!constraints.every(isEnforced) || (type !== '*' && !resourceTypes.has(type))) return { text };
  return {
    text,
    grant: {
      context: context as Grant['context'],
      type,
      permissions: new Set((letters ?? permissions) as Iterable<Permission>),
      ...(constraints.length > 0 && { constraints }),
    },
  };
}

function isEnforced(constraint: string): boolean {
  if (!constraintSyntax.test(constraint)) return false;
  try {
    decodeURIComponent(constraint);
    return true;
  } catch {
    return false;
  }
}

/**
 * True when every single right of `asked` is among the registered ones; `*` is only covered by `*`, and whatever restricts
 * the registered right must restrict the one asked for as well.
 */
export function covers(registered: readonly Grant[], asked: Grant): boolean {
  const relevant = registered.filter(
    ({ context, type, constraints = [] }) =>
      context === asked.context &&
      (type === '*' || type === asked.type) &&
      constraints.every((one) => asked.constraints?.includes(one)),
  );
  return [...asked.permissions].every((letter) => relevant.some(({ permissions }) => permissions.has(letter)));
}

/** Those asked for that are registered too, in the order asked: what is not granted is dropped, never widened or narrowed. */
export function grantedScopes(asked: readonly Scope[], registered: readonly Scope[]): Scope[] {
  const rights = grantsOf(registered);
  return asked.filter(({ grant }) => grant !== undefined && covers(rights, grant));
}

export function grantsOf(scopes: readonly Scope[]): Grant[] {
  return scopes.flatMap(({ grant }) => grant ?? []);
}
