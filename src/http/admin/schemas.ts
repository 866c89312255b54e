// The JSON Schemas that the routes of the administration API share: https://json-schema.org/draft/2020-12

import type { JsonSchema } from '../admin-route.ts';

/** An object without other members than these; what is not required may be left out. */
export function objectOf(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema {
  return { type: 'object', additionalProperties: false, required, properties };
}

/** One line for people. */
export function text(maxLength: number, description?: string): JsonSchema {
  // Two open-ended parts side by side would take time in the square of the length, which nobody has bounded yet.
  const pattern = '^(?=[\\s\\S]*\\S)[^\\u0000-\\u001f\\u007f]+$';
  return { type: 'string', minLength: 1, maxLength, pattern, ...(description && { description }) };
}

export function listOf(items: JsonSchema, maxItems: number, description?: string): JsonSchema {
  return { type: 'array', items, maxItems, uniqueItems: true, ...(description && { description }) };
}

/** The same, or null for "none": https://www.rfc-editor.org/rfc/rfc7396 */
export function orNone(schema: JsonSchema): JsonSchema {
  return { ...schema, type: [schema.type, 'null'] };
}

export const flag = { type: 'boolean' } as const;
export const instant = { type: 'string', format: 'date-time' } as const;
export const slug: JsonSchema = { type: 'string', pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 64 };
export const slugs: JsonSchema = listOf(
  slug,
  50,
  'Slugs of roles, system or custom; the rights of all of them together.',
);
export const resourceId: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9\\-.]{1,64}$' };
export const url: JsonSchema = { type: 'string', pattern: '^[\\x21-\\x7e]+$', maxLength: 2_000 };

/** Who "own" is. */
export const personReference: JsonSchema = {
  type: 'string',
  pattern: '^(Practitioner|Patient|RelatedPerson)/[A-Za-z0-9\\-.]{1,64}$',
  description: 'The person\'s own resource, such as Practitioner/1: what "own" means in roles, and fhirUser in tokens.',
};

/** The query of a list that comes in pages. */
export const paging = {
  after: { type: 'string', maxLength: 128, description: 'Goes on behind this one; the header Link has the whole URL.' },
  limit: {
    type: 'string',
    pattern: '^([1-9]|[1-9][0-9]|1[0-9]{2}|200)$',
    description: 'How many at most: 1 to 200, 50 by default.',
  },
} as const;

export function limitOf({ limit }: Readonly<Record<string, string | undefined>>): number {
  return limit === undefined ? 50 : Number(limit);
}

export const noContent = { 204: { description: 'Done.' } } as const;
