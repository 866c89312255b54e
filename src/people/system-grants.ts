// The grants of a system role in the words in which custom roles are given theirs.

import { isSystemRole, type Role, roles, typesOf } from './roles.ts';

/** `own:user/Slot.cu`, `op:$find`; empty for what is no system role. */
export function systemGrantTexts(slug: string): string[] {
  if (!isSystemRole(slug)) return [];
  const { grants, operations }: Role = roles[slug];
  const scopes = grants.flatMap((grant) => {
    const { own, types, letters, elements, constraint } = typesOf(grant);
    const limit = `${elements ? `[${elements.join()}]` : ''}${constraint === undefined ? '' : `?${constraint}`}`;
    return types.map((type) => `${own ? 'own:' : ''}user/${type}.${letters}${limit}`);
  });
  return [...new Set(scopes), ...operations.map((name) => (name.startsWith('op:') ? name : `op:${name}`))];
}
