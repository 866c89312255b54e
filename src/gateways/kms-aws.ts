// AWS KMS as root key, with one KMS key per tenant: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html

import { type AwsCredentials, signAwsRequest } from './aws-signature.ts';
import { keyServiceFetch, outOfReach } from './key-service.ts';
import { type KeyName, KeyRefusal, type RootKey } from './root-key.ts';

export interface AwsKmsOptions {
  readonly region: string;
  /** Aliases of the tenants' keys begin with it. */
  readonly prefix: string;
  /** Absent: that of the region. */
  readonly endpoint?: string | undefined;
  /** Asked for each request. */
  readonly credentials: () => AwsCredentials;
  readonly now?: () => Date;
}

/** The least that AWS takes; a key that waits for its deletion cannot be used already. */
const pendingDays = 7;

/** What no repair of the service, its rights or the network would change. */
const refusals: ReadonlySet<string> = new Set([
  ...['InvalidCiphertextException', 'IncorrectKeyException', 'NotFoundException', 'KMSInvalidStateException'],
  'DisabledException',
]);

type Answer = Readonly<Record<string, unknown>>;

/** The IAM user or role may CreateKey, CreateAlias, DescribeKey, Encrypt, Decrypt and ScheduleKeyDeletion. */
export function createAwsKms(options: AwsKmsOptions): RootKey {
  const { region, prefix } = options;
  const id = `aws-kms:${region}/${prefix}`;
  const ask = createCall(options);
  const aliasOf = (tenantId: number) => `alias/${prefix}-tenant-${tenantId}`;

  async function call(action: string, body: object): Promise<Answer> {
    const { answer, fault } = await ask(action, body);
    if (fault !== undefined) throw outOfReach(id, `answers ${action} with ${fault}`);
    return answer;
  }

  /** Undefined when there is none. */
  async function describe(
    tenantId: number,
  ): Promise<{ readonly KeyId: string; readonly KeyState: string } | undefined> {
    const { answer, fault } = await ask('DescribeKey', { KeyId: aliasOf(tenantId) });
    if (fault === 'NotFoundException') return undefined;
    if (fault !== undefined) throw outOfReach(id, `answers DescribeKey with ${fault}`);
    return answer.KeyMetadata as { KeyId: string; KeyState: string };
  }

  const common = (name: KeyName) => ({
    KeyId: aliasOf(name.tenantId),
    EncryptionContext: { tenant: String(name.tenantId), purpose: name.purpose, version: String(name.version) },
  });
  return {
    id,
    isRemote: true,
    async prepare(tenantId) {
      const known = await describe(tenantId);
      if (known && known.KeyState !== 'Enabled') throw outOfReach(id, `has the tenant's key as ${known.KeyState}`);
      if (known) return;
      const made = await call('CreateKey', {
        Description: `HPMS ${prefix}, tenant ${tenantId}`,
        KeyUsage: 'ENCRYPT_DECRYPT',
      });
      const { KeyId: keyId } = made.KeyMetadata as { KeyId: string };
      await call('CreateAlias', { AliasName: aliasOf(tenantId), TargetKeyId: keyId });
    },
    async wrap(key, name) {
      const answer = await call('Encrypt', { ...common(name), Plaintext: key.toString('base64') });
      return Buffer.from(answer.CiphertextBlob as string, 'base64');
    },
    async unwrap(wrapped, name) {
      const { answer, fault } = await ask('Decrypt', { ...common(name), CiphertextBlob: wrapped.toString('base64') });
      if (fault !== undefined && refusals.has(fault)) throw new KeyRefusal(id, name, fault);
      if (fault !== undefined) throw outOfReach(id, `answers Decrypt with ${fault}`);
      return Buffer.from(answer.Plaintext as string, 'base64');
    },
    async destroy(tenantId) {
      const known = await describe(tenantId);
      if (!known || known.KeyState === 'PendingDeletion') return;
      const { fault } = await ask('ScheduleKeyDeletion', { KeyId: known.KeyId, PendingWindowInDays: pendingDays });
      // Another process of ours was faster.
      if (fault === undefined || fault === 'KMSInvalidStateException') return;
      throw outOfReach(id, `answers ScheduleKeyDeletion with ${fault}`);
    },
  };
}

/** One action of the JSON protocol: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html */
function createCall({ region, endpoint, credentials, now = () => new Date() }: AwsKmsOptions) {
  const url = `${endpoint ?? `https://kms.${region}.amazonaws.com`}/`;
  const send = keyServiceFetch(`aws-kms:${region}`, url);
  return async (action: string, content: object): Promise<{ readonly answer: Answer; readonly fault?: string }> => {
    const body = JSON.stringify(content);
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` };
    const scope = { credentials: credentials(), region, service: 'kms', at: now() };
    const signed = signAwsRequest({ method: 'POST', url, headers, body }, scope);
    const response = await send(url, { method: 'POST', headers: signed, body });
    const answer = await jsonOf(response);
    if (response.status === 200) return { answer };
    const type = typeof answer.__type === 'string' ? answer.__type : '';
    return { answer, fault: /[A-Za-z]+$/.exec(type)?.[0] ?? `status ${response.status}` };
  };
}

/** A proxy in between may answer what is no JSON. */
async function jsonOf(response: Response): Promise<Answer> {
  try {
    return (await response.json()) as Answer;
  } catch {
    return {};
  }
}
