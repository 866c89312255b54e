// HashiCorp Vault's transit engine as root key, with one transit key per tenant: https://developer.hashicorp.com/vault/api-docs/secret/transit

import { keyServiceFetch, outOfReach } from './key-service.ts';
import { contextOf, type KeyName, KeyRefusal, type RootKey } from './root-key.ts';

export interface VaultTransitOptions {
  /** `https://vault.example:8200` */
  readonly url: string;
  /** Where the engine is mounted. */
  readonly mount: string;
  /** Names of the tenants' keys begin with it. */
  readonly prefix: string;
  /** Asked for each request. */
  readonly token: () => string;
  readonly namespace?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The token's policy allows create, read, update and delete below `<mount>/` for names that begin with the prefix. */
export function createVaultTransit(options: VaultTransitOptions): RootKey {
  const { mount, prefix } = options;
  const id = `vault:${mount}/${prefix}`;
  const ask = createCall(options, id);
  const keyOf = (tenantId: number) => `${prefix}-tenant-${tenantId}`;

  async function call(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw outOfReach(id, `answers ${method} with status ${answer.status}`);
    return answer;
  }

  /** Names that which is wrapped; it must be the same again. */
  const associated = (name: KeyName) => ({ associated_data: base64(Buffer.from(contextOf(name))) });
  return {
    id,
    isRemote: true,
    async prepare(tenantId) {
      await call('POST', `keys/${keyOf(tenantId)}`, { type: 'aes256-gcm96' });
    },
    async wrap(key, name) {
      const body = { plaintext: base64(key), ...associated(name) };
      const { data } = await call('POST', `encrypt/${keyOf(name.tenantId)}`, body);
      return Buffer.from(data.ciphertext as string);
    },
    async unwrap(wrapped, name) {
      const body = { ciphertext: wrapped.toString(), ...associated(name) };
      const { status, data } = await ask('POST', `decrypt/${keyOf(name.tenantId)}`, body);
      // 400: no such key, or not what it has encrypted. Whatever else it says can be repaired: the token, a seal, a quota.
      if (status === 400) throw new KeyRefusal(id, name, 'status 400');
      if (status !== 200) throw outOfReach(id, `answers decrypt with status ${status}`);
      return Buffer.from(data.plaintext as string, 'base64');
    },
    async destroy(tenantId) {
      const key = `keys/${keyOf(tenantId)}`;
      const { status } = await ask('GET', key);
      if (status === 404) return;
      await call('POST', `${key}/config`, { deletion_allowed: true });
      await call('DELETE', key);
    },
  };
}

function createCall({ url, mount, token, namespace }: VaultTransitOptions, id: string) {
  const send = keyServiceFetch(id, url);
  const headers = {
    'X-Vault-Request': 'true',
    ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
  };
  return async (method: string, path: string, body?: object): Promise<Answer> => {
    const response = await send(`${url}/v1/${mount}/${path}`, {
      method,
      headers: { ...headers, 'X-Vault-Token': token(), ...(body ? { 'Content-Type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, data: await dataOf(response) };
  };
}

async function dataOf(response: Response): Promise<Answer['data']> {
  try {
    return ((await response.json()) as { data?: Answer['data'] }).data ?? {};
  } catch {
    return {};
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64');
}
