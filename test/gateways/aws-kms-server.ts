// A stand-in for AWS KMS that checks each signature by itself: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html

import { createHash, createHmac, randomUUID } from 'node:crypto';
import { type Asked, type Said, ServiceKey, type StandIn, startStandIn } from './stand-in.ts';

export const awsCredentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a/secret+KEY', sessionToken: 'session' };

interface KmsKey {
  readonly id: string;
  readonly material: ServiceKey;
  state: 'Enabled' | 'PendingDeletion';
}

export interface AwsKmsServer extends StandIn {
  readonly keys: ReadonlyMap<string, KmsKey>;
}

export async function startAwsKmsServer(): Promise<AwsKmsServer> {
  const keys = new Map<string, KmsKey>();
  const aliases = new Map<string, string>();
  const find = (name: unknown) => keys.get(aliases.get(name as string) ?? (name as string));
  const standIn = await startStandIn((asked) => {
    const reason = faultOfSignature(asked);
    if (reason !== undefined) return fault('IncompleteSignatureException', reason);
    const action = /^TrentService\.(\w+)$/.exec(String(asked.headers['x-amz-target']))?.[1];
    if (asked.headers['content-type'] !== 'application/x-amz-json-1.1') return fault('SerializationException', 'type');
    return act(action, JSON.parse(asked.body) as Record<string, unknown>);
  });

  function act(action: string | undefined, body: Record<string, unknown>): Said {
    if (action === 'CreateKey') {
      const key: KmsKey = { id: randomUUID(), material: new ServiceKey(), state: 'Enabled' };
      keys.set(key.id, key);
      return { status: 200, body: { KeyMetadata: { KeyId: key.id, KeyState: key.state } } };
    }
    if (action === 'CreateAlias') {
      if (aliases.has(body.AliasName as string)) return fault('AlreadyExistsException', 'alias');
      aliases.set(body.AliasName as string, body.TargetKeyId as string);
      return { status: 200 };
    }
    const key = find(body.KeyId);
    if (!key) return fault('NotFoundException', `Invalid keyId ${body.KeyId}`);
    if (action === 'DescribeKey') return { status: 200, body: { KeyMetadata: { KeyId: key.id, KeyState: key.state } } };
    if (action === 'ScheduleKeyDeletion') {
      // By alias it is refused: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
      if (!keys.has(body.KeyId as string)) return fault('NotFoundException', 'not by alias');
      const days = body.PendingWindowInDays as number;
      if (days < 7 || days > 30) return fault('ValidationException', 'days');
      key.state = 'PendingDeletion';
      return { status: 200, body: { KeyId: key.id, KeyState: key.state } };
    }
    if (key.state !== 'Enabled') return fault('KMSInvalidStateException', 'pending deletion');
    return crypt(action, key, body);
  }

  return Object.assign(standIn, { keys });
}

function crypt(action: string | undefined, key: KmsKey, body: Record<string, unknown>): Said {
  const pairs = Object.entries(body.EncryptionContext as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  const context = JSON.stringify(pairs);
  const bytes = Buffer.from((body.Plaintext ?? body.CiphertextBlob) as string, 'base64');
  if (action === 'Encrypt') {
    return {
      status: 200,
      body: { KeyId: key.id, CiphertextBlob: key.material.seal(bytes, context).toString('base64') },
    };
  }
  const plain = action === 'Decrypt' ? key.material.open(bytes, context) : undefined;
  if (!plain) return fault('InvalidCiphertextException', '');
  return { status: 200, body: { KeyId: key.id, Plaintext: plain.toString('base64') } };
}

function fault(type: string, message: string): Said {
  return { status: 400, body: { __type: `com.amazonaws.kms#${type}`, message } };
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8').digest();
const hex = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

/** Step by step as AWS describes it for whoever verifies: from what arrived, in the order that the client says. */
function faultOfSignature({ method, path, headers, body }: Asked): string | undefined {
  const { accessKeyId, secretAccessKey, sessionToken } = awsCredentials;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (!parts) return 'no signature';
  const [, id, day = '', region = '', list = '', signature] = parts;
  const names = list.split(';');
  for (const needed of ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']) {
    if (!names.includes(needed)) return `${needed} is not signed`;
  }
  const date = String(headers['x-amz-date']);
  if (id !== accessKeyId || headers['x-amz-security-token'] !== sessionToken || !date.startsWith(day))
    return 'not ours';
  const lines = names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`).join('');
  const canonical = `${method}\n${path}\n\n${lines}\n${list}\n${hex(body)}`;
  const signing = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), 'kms'), 'aws4_request');
  const expected = hmac(signing, `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/kms/aws4_request\n${hex(canonical)}`);
  return expected.toString('hex') === signature ? undefined : 'another signature';
}
