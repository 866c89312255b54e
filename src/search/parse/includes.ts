// Reads `_include` and `_revinclude`, with `:iterate` or without: https://hl7.org/fhir/R4/search.html#revinclude

import type { IndexedParameter } from '../search-parameters.ts';
import type { Include } from '../search-query.ts';
import { isLink } from './named.ts';

export interface IncludeContext {
  readonly type: string;
  readonly resourceTypes: ReadonlySet<string>;
  /** Of any type, by code. */
  readonly parametersOf: (type: string) => ReadonlyMap<string, IndexedParameter>;
  /** See NameContext. */
  readonly whyUnready: (type: string, code: string) => string | undefined;
}

/** The names of the parameters that say what is sent along. */
export const includeNames = ['_include', '_include:iterate', '_revinclude', '_revinclude:iterate'] as const;

/** An AuditEvent has no rows of references to join. */
const unlinked: ReadonlySet<string> = new Set(['AuditEvent']);

/** `Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`; undefined for what no resource could be included by. */
export function parseInclude(
  name: (typeof includeNames)[number],
  value: string,
  context: IncludeContext,
): Include | undefined {
  const direction = name.startsWith('_rev') ? 'reverse' : 'forward';
  const iterate = name.endsWith(':iterate');
  const { type, resourceTypes } = context;
  if (unlinked.has(type) || !resourceTypes.has(type)) return undefined;
  if (value === '*') return { direction, sourceType: '*', parameter: '*', iterate };
  const [sourceType = '', parameter = '', targetType, ...more] = value.split(':');
  if (!resourceTypes.has(sourceType) || unlinked.has(sourceType) || more.length > 0) return undefined;
  if (targetType !== undefined && !resourceTypes.has(targetType)) return undefined;
  const include = {
    direction,
    sourceType,
    parameter,
    iterate,
    ...(targetType !== undefined && { targetType }),
  } as const;
  if (!iterate && !beginsAt(type, include)) return undefined;
  if (parameter === '*') return include;
  const found = context.parametersOf(sourceType).get(parameter);
  return found && pointsTo(found, include, context) ? stored(found, include) : undefined;
}

/** By the parameter that stores the links. */
function stored({ shared }: IndexedParameter, include: Include): Include {
  const { link } = shared ?? {};
  const isStored = link && (include.targetType === undefined || include.targetType === link.type);
  return isStored ? { ...include, parameter: link.parameter, targetType: link.type } : include;
}

/** Only what iterates can begin at another type than that of the matches. */
function beginsAt(type: string, { direction, sourceType, targetType = type }: Include): boolean {
  return type === (direction === 'forward' ? sourceType : targetType);
}

/** A reverse include of matches is by a parameter that may point to them. */
function pointsTo(
  parameter: IndexedParameter,
  { direction, iterate, targetType }: Include,
  context: IncludeContext,
): boolean {
  if (!isLink(parameter)) return false;
  const { targets } = parameter;
  const target = targetType ?? (direction === 'reverse' && !iterate ? context.type : undefined);
  return target === undefined || !targets || targets.includes(target);
}
