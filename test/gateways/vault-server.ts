// A stand-in for HashiCorp Vault's transit engine: https://developer.hashicorp.com/vault/api-docs/secret/transit

import { type Asked, type Said, ServiceKey, type StandIn, startStandIn } from './stand-in.ts';

export const vaultToken = 'hvs.stand-in';

interface TransitKey {
  readonly material: ServiceKey;
  mayBeDeleted: boolean;
}

export interface VaultServer extends StandIn {
  readonly keys: ReadonlyMap<string, TransitKey>;
}

const refused: Said = { status: 400, body: { errors: ['cipher: message authentication failed'] } };

export async function startVaultServer(namespace?: string): Promise<VaultServer> {
  const keys = new Map<string, TransitKey>();
  const standIn = await startStandIn((asked) => {
    if (asked.headers['x-vault-token'] !== vaultToken) return { status: 403, body: { errors: ['permission denied'] } };
    if (asked.headers['x-vault-namespace'] !== namespace || asked.headers['x-vault-request'] !== 'true')
      return { status: 404 };
    const parts = /^\/v1\/transit\/(keys|encrypt|decrypt)\/([a-z0-9-]+)(\/config)?$/.exec(asked.path);
    if (!parts) return { status: 404 };
    const [, what, name = '', config] = parts;
    return what === 'keys' ? manage(asked, name, config !== undefined) : crypt(what, name, asked.body);
  });

  function manage({ method, body }: Asked, name: string, isConfig: boolean): Said {
    const key = keys.get(name);
    if (method === 'POST' && isConfig) {
      if (!key) return { status: 400, body: { errors: ['no existing key'] } };
      key.mayBeDeleted = (JSON.parse(body) as { deletion_allowed?: boolean }).deletion_allowed === true;
      return { status: 200, body: { data: { name } } };
    }
    if (method === 'POST') {
      if (!key) keys.set(name, { material: new ServiceKey(), mayBeDeleted: false });
      return { status: 200, body: { data: { name } } };
    }
    if (!key) return { status: 404, body: { errors: [] } };
    if (method !== 'DELETE') return { status: 200, body: { data: { name } } };
    if (!key.mayBeDeleted) return { status: 400, body: { errors: ['deletion is not allowed for this key'] } };
    keys.delete(name);
    return { status: 204 };
  }

  function crypt(what: string | undefined, name: string, body: string): Said {
    const asked = JSON.parse(body) as { plaintext?: string; ciphertext?: string; associated_data?: string };
    const { plaintext, ciphertext = '', associated_data: context = '' } = asked;
    const key = keys.get(name);
    if (!key) return { status: 400, body: { errors: ['encryption key not found'] } };
    if (what === 'encrypt') {
      const sealed = key.material.seal(Buffer.from(plaintext ?? '', 'base64'), context);
      return { status: 200, body: { data: { ciphertext: `vault:v1:${sealed.toString('base64')}` } } };
    }
    const opened = key.material.open(Buffer.from(ciphertext.replace(/^vault:v1:/, ''), 'base64'), context);
    return opened ? { status: 200, body: { data: { plaintext: opened.toString('base64') } } } : refused;
  }

  return Object.assign(standIn, { keys });
}
