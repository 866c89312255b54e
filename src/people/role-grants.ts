// The grants of a custom role: SMART v2 user scopes and operations, read strictly when they are given (domain.md D6, S4-M04).

import type { Grant, Permission } from '../access/caller.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { isResultParameter } from '../search/parse/result-parameters.ts';
import { parseSearch } from '../search/parse.ts';
import type { Rights } from './role-rights.ts';
import { limitedTypes, roles } from './roles.ts';

const scopeSyntax =
  /^(?<own>own:)?user\/(?<type>\*|[A-Z][A-Za-z]{0,63})\.(?<letters>(?=[cruds])c?r?u?d?s?)(?:\[(?<elements>[A-Za-z,]{1,500})\])?(?:\?(?<constraint>[^?]+))?$/;
const operationSyntax = /^op:(\$?[a-z][a-z-]{0,63})$/;

/** Those of the system roles: there are no others. */
export const grantableOperations: ReadonlySet<string> = new Set(
  Object.values(roles).flatMap(({ operations }) => operations),
);

/** As they were stored; what this version does not understand gives nothing. */
export function compileGrants(texts: readonly string[]): Rights {
  const named = texts.map(operationOf).filter((operation) => operation !== undefined);
  return { grants: texts.flatMap((text) => compileScope(text) ?? []), operations: new Set(named) };
}

/** Throws 422, naming the first that is not what a role can allow. */
export function requireGrants(texts: readonly string[], definitions: Definitions): void {
  for (const [index, text] of texts.entries()) {
    const reason = text.startsWith('op:') ? whyNoOperation(text) : whyNoScope(text, definitions);
    if (reason !== undefined) throw fhirError('code-invalid', reason, { expression: `grants[${index}]` });
  }
}

/** `op:$find` is the operation `$find`, `op:overbook` the right of that name. */
function operationOf(text: string): string | undefined {
  const [, name] = operationSyntax.exec(text) ?? [];
  return name?.startsWith('$') ? name : name && `op:${name}`;
}

function compileScope(text: string): Grant | undefined {
  const { own, type, letters, elements, constraint } = scopeSyntax.exec(text)?.groups ?? {};
  if (type === undefined || letters === undefined) return undefined;
  if (elements !== undefined && !isLimitedUpdate(type, letters)) return undefined;
  return {
    context: 'user',
    type,
    permissions: new Set(letters) as ReadonlySet<string> as ReadonlySet<Permission>,
    ...(constraint === undefined ? {} : { constraints: constraint.split('&') }),
    ...(own ? { isOwn: true } : {}),
    ...(elements === undefined ? {} : { elements: elements.split(',') }),
  };
}

/** Nobody would look at the elements of others. */
function isLimitedUpdate(type: string, letters = ''): boolean {
  return letters === 'u' && limitedTypes.has(type);
}

function whyNoOperation(text: string): string | undefined {
  const operation = operationOf(text);
  if (operation !== undefined && grantableOperations.has(operation)) return undefined;
  const known = [...grantableOperations].map((one) => (one.startsWith('$') ? `op:${one}` : one)).sort();
  return `There is no operation of this name that a role can allow; there are ${known.join(', ')}.`;
}

function whyNoScope(text: string, definitions: Definitions): string | undefined {
  const { type, letters, elements, constraint } = scopeSyntax.exec(text)?.groups ?? {};
  if (type === undefined)
    return 'A grant is a scope such as user/Patient.rs, its letters in the order cruds, or an operation such as op:$find.';
  if (type !== '*' && !definitions.resourceTypes.has(type)) return `R4 has no resource type ${type}.`;
  if (elements !== undefined && !isLimitedUpdate(type, letters))
    return `Elements limit the letter u alone, of ${[...limitedTypes].join(' and ')}.`;
  const known = definitions.typeDefinition(type)?.elements.map(({ name }) => name);
  if (elements?.split(',').some((name) => !known?.includes(name))) return `One of the elements is none of ${type}.`;
  if (constraint === undefined) return undefined;
  if (type === '*') return 'Search parameters need a resource type: user/* cannot have them.';
  return whyNoConstraint(type, constraint, definitions);
}

/** A parameter of the resource itself: what other resources say of it is not the same for everyone who looks. */
const plainName = /^[A-Za-z_][\w-]*(:[a-z-]+)?$/;
const notOfTheResource = /^_(has|filter|text|content|list|query)\b/;

function whyNoConstraint(type: string, constraint: string, definitions: Definitions): string | undefined {
  const pairs = [...new URLSearchParams(constraint)];
  const other = pairs.find(([name]) => !plainName.test(name) || notOfTheResource.test(name) || isResultParameter(name));
  if (other) return 'What limits a grant are search parameters of the type itself, without chains, _has and results.';
  try {
    parseSearch(definitions, type, pairs, { handling: 'strict', now: Date.now() });
    return undefined;
  } catch (error) {
    if (error instanceof FhirError) return `The grant's search parameters cannot be used: ${error.message}`;
    throw error;
  }
}
