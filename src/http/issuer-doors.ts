// What the addresses of a tenant's authorization server are for, which says how they are put on record (record-access.ts).

export type Purpose = 'clients' | 'sign-in' | 'account' | 'documents';

/** By the first segment below the tenant. */
const purposes: Readonly<Record<string, Purpose>> = {
  ...{ token: 'clients', introspect: 'clients', revoke: 'clients', register: 'clients' },
  ...{ userinfo: 'clients', launch: 'clients' },
  ...{ authorize: 'sign-in', interaction: 'sign-in', upstream: 'sign-in' },
  ...{ account: 'account', logout: 'account' },
};

/** `path` is below the tenant and begins with a slash; what is not above are documents that anybody may read. */
export function purposeOf(path: string): Purpose {
  const segment = path.split('/', 2)[1] ?? '';
  return Object.hasOwn(purposes, segment) ? (purposes[segment] as Purpose) : 'documents';
}
