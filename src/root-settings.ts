// Where the root key is that wraps all others: in ROOT_KEY, a file, AWS KMS or HashiCorp Vault (README, Keys).

import type { AwsCredentials } from './gateways/aws-signature.ts';

export type RootSource =
  | { readonly kind: 'local'; readonly key: Buffer }
  | {
      readonly kind: 'aws-kms';
      readonly region: string;
      readonly prefix: string;
      readonly endpoint?: string;
      /** Of now: they may end and be renewed in their files. */
      readonly credentials: () => AwsCredentials;
    }
  | {
      readonly kind: 'vault';
      readonly url: string;
      readonly mount: string;
      readonly prefix: string;
      /** Of now. */
      readonly token: () => string;
      readonly namespace?: string;
    };

export interface RootSettings {
  readonly current: RootSource;
  /** That which has wrapped before, until `npm run admin -- rotate-root` is through. */
  readonly previous?: RootSource;
  /** Where the secrets of tenants are for a root key in memory; absent: it has none beside it. */
  readonly keyDir?: string;
  /** How long keys stay good that AWS KMS or Vault has unwrapped. */
  readonly cacheMs: number;
}

export const rootUrlForms = 'aws-kms://REGION/PREFIX or vault+https://HOST:PORT/MOUNT/PREFIX';

/** Names in AWS KMS and Vault, with the tenant's number behind them. */
const nameSyntax = /^[a-z0-9][a-z0-9-]{0,40}$/;
const thisMachine: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export type ReadSecret = (name: string) => string | undefined;

/** Undefined for what is none; a string names the variable that is missing. */
export function parseRootUrl(text: string, secretOf: ReadSecret): RootSource | string | undefined {
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.hash) return undefined;
  if (url.protocol === 'aws-kms:') return awsSource(url, secretOf);
  return url.protocol === 'vault+https:' || url.protocol === 'vault+http:' ? vaultSource(url, secretOf) : undefined;
}

/** Of two keepers that are not the same: their keys would stand in the database under one name (vault-transit.ts, kms-aws.ts). */
export function areNamedAlike(one: RootSource, other: RootSource): boolean {
  if (one.kind === 'vault' && other.kind === 'vault')
    return one.mount === other.mount && one.prefix === other.prefix && one.url !== other.url;
  if (one.kind !== 'aws-kms' || other.kind !== 'aws-kms') return false;
  return one.region === other.region && one.prefix === other.prefix && one.endpoint !== other.endpoint;
}

function awsSource(url: URL, secretOf: ReadSecret): RootSource | string | undefined {
  const prefix = url.pathname.slice(1);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  const isKnown = [...url.searchParams.keys()].every((name) => name === 'endpoint');
  if (!nameSyntax.test(prefix) || !/^[a-z0-9-]+$/.test(url.hostname) || !isKnown) return undefined;
  if (endpoint !== undefined && !isSafe(endpoint)) return undefined;
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) if (secretOf(name) === undefined) return name;
  return {
    kind: 'aws-kms',
    region: url.hostname,
    prefix,
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/+$/, '') }),
    credentials: renewed(() => awsCredentials(secretOf)),
  };
}

function awsCredentials(secretOf: ReadSecret): AwsCredentials {
  return {
    accessKeyId: secretOf('AWS_ACCESS_KEY_ID') ?? '',
    secretAccessKey: secretOf('AWS_SECRET_ACCESS_KEY') ?? '',
    sessionToken: secretOf('AWS_SESSION_TOKEN'),
  };
}

/** What is read anew each time; that of before while its file is being replaced. */
function renewed<T>(read: () => T): () => T {
  let last = read();
  return () => {
    try {
      last = read();
    } catch {
      // The keeper says whether that of before has ended.
    }
    return last;
  };
}

function vaultSource(url: URL, secretOf: ReadSecret): RootSource | string | undefined {
  const parts = url.pathname.slice(1).split('/');
  const prefix = parts.pop() ?? '';
  const address = `${url.protocol.slice('vault+'.length)}//${url.host}`;
  const isNamed = parts.length > 0 && [...parts, prefix].every((part) => nameSyntax.test(part));
  if (!isNamed || url.search || !isSafe(address)) return undefined;
  if (secretOf('VAULT_TOKEN') === undefined) return 'VAULT_TOKEN';
  const token = renewed(() => secretOf('VAULT_TOKEN') ?? '');
  const namespace = secretOf('VAULT_NAMESPACE');
  return {
    ...{ kind: 'vault', url: address, mount: parts.join('/'), prefix, token },
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** Keys travel in these requests: in the clear only within this machine. */
function isSafe(text: string): boolean {
  const url = URL.parse(text);
  if (!url?.host) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && thisMachine.has(url.hostname));
}
