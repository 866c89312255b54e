// The settings: what is taken, what is refused and in which words.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { anchorPlaceOf, ConfigError, readConfig } from '../src/config.ts';
import { makeCertificate } from './support/certificates.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'hpms-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hexKey = '0123456789abcdef'.repeat(4);
const base64Key = Buffer.from(hexKey, 'hex').toString('base64');
const databaseUrl = 'postgres://migrator@db.example:5432/hpms';

function file(name: string, text: string): string {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
}

function messageOf(env: Record<string, string>): string {
  try {
    readConfig({ HPMS_DATA_DIR: path.join(folder, 'unused'), ROOT_KEY: hexKey, ...env });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

describe('what is taken', () => {
  test('with nothing set: port 8080, .data below the working directory, everything embedded', () => {
    const config = readConfig({ ROOT_KEY: hexKey });
    expect(config).toEqual({
      dataDir: path.resolve('.data'),
      database: {},
      crypto: {
        rootKey: Buffer.from(hexKey, 'hex'),
        root: {
          current: { kind: 'local', key: Buffer.from(hexKey, 'hex') },
          keyDir: path.resolve('.data/keys'),
          cacheMs: 3_600_000,
        },
      },
      http: { port: 8080, publicUrl: 'http://localhost:8080' },
      jobs: {},
      mail: { from: 'HPMS <hpms@localhost>' },
      outbound: { allowedHosts: [] },
      log: { level: 'info' },
    });
  });

  test('an empty variable counts as absent, as container platforms pass it', () => {
    const config = readConfig({
      ROOT_KEY: hexKey,
      PORT: '',
      DATABASE_URL: '',
      REDIS_URL: '',
      PUBLIC_URL: '',
      LOG_LEVEL: '',
    });
    expect(config.http.port).toBe(8080);
    expect(config.database.url).toBeUndefined();
  });

  test('the root key as base64, with or without padding, and as hexadecimal is the same key', () => {
    for (const text of [base64Key, base64Key.replace('=', ''), hexKey, hexKey.toUpperCase(), ` ${base64Key}\n`]) {
      expect(readConfig({ ROOT_KEY: text }).crypto.rootKey.toString('hex')).toBe(hexKey);
    }
  });

  test('PUBLIC_URL loses its last slash and follows PORT when absent', () => {
    expect(readConfig({ ROOT_KEY: hexKey, PUBLIC_URL: 'https://fhir.example.org/' }).http.publicUrl).toBe(
      'https://fhir.example.org',
    );
    expect(readConfig({ ROOT_KEY: hexKey, PORT: '9001' }).http.publicUrl).toBe('http://localhost:9001');
  });

  test('mail goes through SMTP_URL, and OUTBOUND_HOSTS are a list', () => {
    const config = readConfig({
      ROOT_KEY: hexKey,
      SMTP_URL: 'smtps://hpms:secret@mail.example:465',
      MAIL_FROM: 'Clinic <desk@clinic.example>',
      OUTBOUND_HOSTS: 'idp.hospital.local, 10.0.0.7,[fd00::1]',
    });
    expect(config.mail).toEqual({
      smtpUrl: 'smtps://hpms:secret@mail.example:465',
      from: 'Clinic <desk@clinic.example>',
    });
    expect(config.outbound.allowedHosts).toEqual(['idp.hospital.local', '10.0.0.7', '[fd00::1]']);
  });

  test('secrets come from files too: NAME_FILE', () => {
    const config = readConfig({
      ROOT_KEY_FILE: file('key', `${base64Key}\n`),
      DATABASE_URL: databaseUrl,
      DATABASE_PASSWORD_FILE: file('password', 'p@ss/w%rd\n'),
      REDIS_URL_FILE: file('redis', 'redis://:secret@redis:6379\n'),
    });
    expect(config.crypto.rootKey.toString('hex')).toBe(hexKey);
    expect(decodeURIComponent(new URL(config.database.url ?? '').password)).toBe('p@ss/w%rd');
    expect(config.jobs.redisUrl).toBe('redis://:secret@redis:6379');
  });
});

describe('where the root key is', () => {
  const otherKey = 'fedcba9876543210'.repeat(4);
  const aws = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

  test('AWS KMS and Vault are named by URL, with their own variables for who may ask', () => {
    const given = { DATABASE_URL: databaseUrl, SERVER_SECRET: hexKey };
    const kms = readConfig({ ...given, ...aws, ROOT_KEY_URL: 'aws-kms://eu-central-1/hpms', KEY_CACHE_MINUTES: '5' });
    expect(kms.crypto).toEqual({
      rootKey: Buffer.from(hexKey, 'hex'),
      root: {
        current: {
          kind: 'aws-kms',
          region: 'eu-central-1',
          prefix: 'hpms',
          credentials: expect.any(Function),
        },
        cacheMs: 300_000,
      },
    });
    const url = 'vault+https://vault.example:8200/kv/transit/hpms-prod';
    const vault = readConfig({ ...given, ROOT_KEY_URL: url, VAULT_TOKEN_FILE: file('token', 't\n'), KEY_DIR: '/keys' });
    expect(vault.crypto.root).toMatchObject({
      current: {
        kind: 'vault',
        url: 'https://vault.example:8200',
        mount: 'kv/transit',
        prefix: 'hpms-prod',
        token: expect.any(Function),
      },
      keyDir: '/keys',
    });
  });

  test('whose credentials end and are renewed in their files is asked with those of now', () => {
    const [id, secret, token] = [file('id', 'A'), file('secret', 'one'), file('renewed-token', 'one\n')];
    const url = 'vault+https://vault.example:8200/transit/hpms';
    const files = { AWS_ACCESS_KEY_ID_FILE: id, AWS_SECRET_ACCESS_KEY_FILE: secret, VAULT_TOKEN_FILE: token };
    const kmsRoot = readConfig({ SERVER_SECRET: hexKey, ...files, ROOT_KEY_URL: 'aws-kms://eu-central-1/hpms' }).crypto
      .root;
    const vaultRoot = readConfig({ SERVER_SECRET: hexKey, ...files, ROOT_KEY_URL: url }).crypto.root;
    const [kms, vault] = [kmsRoot.current, vaultRoot.current];
    if (kms.kind !== 'aws-kms' || vault.kind !== 'vault') throw new Error('They are others.');
    expect([kms.credentials().secretAccessKey, vault.token()]).toEqual(['one', 'one']);
    writeFileSync(secret, 'two');
    writeFileSync(token, 'two');
    expect([kms.credentials().secretAccessKey, vault.token()]).toEqual(['two', 'two']);
    rmSync(secret);
    writeFileSync(token, '');
    expect([kms.credentials().secretAccessKey, vault.token()]).toEqual(['two', 'two']);
  });

  test('that of before is known beside it, and passwords follow from a secret of their own', () => {
    const { crypto } = readConfig({ ROOT_KEY: hexKey, ROOT_KEY_PREVIOUS: otherKey, SERVER_SECRET: otherKey });
    expect(crypto.rootKey.toString('hex')).toBe(otherKey);
    expect(crypto.root).toMatchObject({
      current: { kind: 'local', key: Buffer.from(hexKey, 'hex') },
      previous: { kind: 'local', key: Buffer.from(otherKey, 'hex') },
    });
  });

  test.each([
    ['vault+http://vault.example:8200/transit/hpms', 'keys would travel in the clear'],
    ['vault+https://token@vault.example:8200/transit/hpms', 'who asks is no part of it'],
    ['vault+https://vault.example:8200/hpms', 'the mount is missing'],
    ['aws-kms://eu-central-1/', 'the prefix is missing'],
    ['aws-kms://eu-central-1/hpms?endpoint=http://kms.example', 'keys would travel in the clear'],
    ['aws-kms://eu-central-1/HPMS_x', 'no name for a key'],
    ['file:///root.key', 'a file is ROOT_KEY_FILE'],
  ])('%s is refused: %s', (url) => {
    const message = messageOf({ ...aws, VAULT_TOKEN: 't', ROOT_KEY: '', ROOT_KEY_URL: url });
    expect(message).toContain('; allowed is aws-kms://REGION/PREFIX or vault+https://HOST:PORT/MOUNT/PREFIX.');
    expect(message).not.toContain(url);
  });

  test('what is missing or said twice is named', () => {
    const url = { ROOT_KEY_URL: 'aws-kms://eu-central-1/hpms' };
    expect(messageOf({ ...aws, ...url })).toBe('ROOT_KEY and ROOT_KEY_URL are both set; set one of them.');
    expect(messageOf({ ...url, ROOT_KEY: '', AWS_ACCESS_KEY_ID: 'a' })).toBe(
      'AWS_SECRET_ACCESS_KEY or AWS_SECRET_ACCESS_KEY_FILE must be set when ROOT_KEY_URL is.',
    );
    expect(messageOf({ ...aws, ...url, ROOT_KEY: '', DATABASE_URL: databaseUrl })).toMatch(/^SERVER_SECRET or/);
    expect(messageOf({ KEY_CACHE_MINUTES: '0' })).toContain('allowed is a number from 1 to 1440');
    const previous = { ROOT_KEY_PREVIOUS: otherKey, ROOT_KEY_PREVIOUS_URL: 'aws-kms://eu-central-1/hpms' };
    expect(messageOf({ ...aws, ...previous })).toMatch(/^ROOT_KEY_PREVIOUS and ROOT_KEY_PREVIOUS_URL are both set/);
  });

  test.each([
    ['vault+https://new.example/transit/hpms', 'vault+https://old.example/transit/hpms'],
    ['aws-kms://eu-central-1/hpms', 'aws-kms://eu-central-1/hpms?endpoint=https://vpce.example'],
  ])('%s and %s before it would name their keys alike: rotate-root would find none', (url, before) => {
    const env = { ...aws, VAULT_TOKEN: 't', ROOT_KEY: '', DATABASE_URL: databaseUrl, SERVER_SECRET: hexKey };
    const message = messageOf({ ...env, ROOT_KEY_URL: url, ROOT_KEY_PREVIOUS_URL: before });
    expect(message).toMatch(/^ROOT_KEY_URL and ROOT_KEY_PREVIOUS_URL name their keys alike/);
    const other = readConfig({ ...env, ROOT_KEY_URL: `${url.split('?')[0]}-2`, ROOT_KEY_PREVIOUS_URL: before });
    expect(other.crypto.root.previous).toBeDefined();
  });
});

describe('the root key of an embedded database', () => {
  test('is made at the first start, closed to others, and the same at the next', () => {
    const dataDir = path.join(folder, 'deep', 'data');
    const first = readConfig({ HPMS_DATA_DIR: dataDir }).crypto.rootKey;
    expect(first).toHaveLength(32);
    expect(statSync(path.join(dataDir, 'root.key')).mode & 0o777).toBe(0o600);
    expect(readConfig({ HPMS_DATA_DIR: dataDir }).crypto.rootKey).toEqual(first);
    expect(readConfig({ HPMS_DATA_DIR: path.join(folder, 'other') }).crypto.rootKey).not.toEqual(first);
  });

  test('is not made by a command, whose data directory may be mistyped', () => {
    const dataDir = path.join(folder, 'mistyped');
    const env = { HPMS_DATA_DIR: dataDir };
    expect(() => readConfig(env, 'required')).toThrow(`There is no database in ${dataDir}: set HPMS_DATA_DIR to`);
    expect(existsSync(dataDir)).toBe(false);
    const { rootKey } = readConfig(env).crypto;
    expect(readConfig(env, 'required').crypto.rootKey).toEqual(rootKey);
  });

  test('is never replaced when its file is damaged', () => {
    const dataDir = path.join(folder, 'damaged');
    readConfig({ HPMS_DATA_DIR: dataDir });
    writeFileSync(path.join(dataDir, 'root.key'), 'too short');
    expect(messageOf({ HPMS_DATA_DIR: dataDir, ROOT_KEY: '' })).toContain('does not hold a root key');
    expect(readFileSync(path.join(dataDir, 'root.key'), 'utf8')).toBe('too short');
  });

  test('is not made for a database of one’s own', () => {
    const dataDir = path.join(folder, 'own');
    const message = messageOf({ HPMS_DATA_DIR: dataDir, ROOT_KEY: '', DATABASE_URL: databaseUrl });
    expect(message).toBe(
      'ROOT_KEY or ROOT_KEY_FILE must be set when DATABASE_URL is; allowed is 32 bytes as base64 or as 64 hexadecimal digits.',
    );
    expect(existsSync(dataDir)).toBe(false);
  });

  test('needs a data directory that can be made', () => {
    const message = messageOf({ HPMS_DATA_DIR: path.join(file('in-the-way', ''), 'data'), ROOT_KEY: '' });
    expect(message).toMatch(/^HPMS_DATA_DIR is ".*"; allowed is a directory this process can write to \(ENOTDIR\)\.$/);
  });
});

describe('a bad value is one line that names the variable, the value and what is allowed', () => {
  test.each([
    [{ PORT: 'http' }, 'PORT is "http"; allowed is a number from 1 to 65535.'],
    [{ PORT: '0' }, 'PORT is "0"; allowed is a number from 1 to 65535.'],
    [{ PORT: '65536' }, 'PORT is "65536"; allowed is a number from 1 to 65535.'],
    [{ PORT: '8e3' }, 'PORT is "8e3"; allowed is a number from 1 to 65535.'],
    [
      { LOG_LEVEL: 'loud\n' },
      'LOG_LEVEL is "loud\\n"; allowed is one of fatal, error, warn, info, debug, trace, silent.',
    ],
    [{ HPMS_DATADIR: 'x', HPMS_A: 'y' }, 'Unknown setting HPMS_A, HPMS_DATADIR; allowed is HPMS_DATA_DIR.'],
    [
      { MAIL_FROM: 'a@b\nBcc: c@d' },
      'MAIL_FROM is "a@b\\nBcc: c@d"; allowed is an address such as clinic@example.org or Clinic <clinic@example.org>.',
    ],
    [
      { OUTBOUND_HOSTS: 'a.example,*' },
      'OUTBOUND_HOSTS is "*"; allowed is names or addresses of hosts, separated by commas.',
    ],
    [{ ROOT_KEY_FILE: '/no/such' }, 'ROOT_KEY and ROOT_KEY_FILE are both set; set one of them.'],
    [
      { REDIS_URL_FILE: '/no/such' },
      'REDIS_URL_FILE is "/no/such"; allowed is the name of a file that can be read and is not empty.',
    ],
    [
      { DATABASE_PASSWORD: 'secret' },
      'DATABASE_PASSWORD is set without DATABASE_URL; set both, or neither for the embedded database.',
    ],
  ])('%j', (env, message) => {
    expect(messageOf(env as unknown as Record<string, string>)).toBe(message);
  });

  test.each(['ftp://x', 'localhost:8080', 'https://u:p@x', 'https://x/?a=1', 'https://x/#a', 'https:'])(
    'PUBLIC_URL %s',
    (value) => {
      expect(messageOf({ PUBLIC_URL: value })).toContain(`PUBLIC_URL is "${value}"; allowed is an http or https URL`);
    },
  );

  test.each([
    ['ROOT_KEY', 'c2VjcmV0'],
    ['ROOT_KEY', `${hexKey}00`],
    ['DATABASE_URL', 'mysql://user:c2VjcmV0@db/hpms'],
    ['DATABASE_URL', 'postgres://user:c2VjcmV0@db'],
    ['DATABASE_URL', 'user:c2VjcmV0@db'],
    ['DATABASE_URL', 'postgres:///hpms?host=/run/c2VjcmV0'],
    ['DATABASE_URL', 'postgres://db/hpms?user=owner&password=c2VjcmV0'],
    ['DATABASE_URL', 'postgres://user:c2VjcmV0@db/hpms?options=-c%20role%3Downer'],
    ['REDIS_URL', 'http://:c2VjcmV0@redis'],
    ['SMTP_URL', 'https://hpms:c2VjcmV0@mail.example'],
  ])('%s never shows its value: it holds a secret', (name, value) => {
    const message = messageOf({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name} has a value that is not allowed .*; allowed is .*\\.$`));
    expect(message).not.toContain('c2VjcmV0');
    expect(message).not.toContain(hexKey);
    expect(message).not.toContain('\n');
  });
});

describe('TLS of its own', () => {
  test('a certificate and its key together; clients then reach it by https', async () => {
    const { certificateFile, keyFile } = await makeCertificate(folder);
    const tls = { TLS_CERTIFICATE_FILE: certificateFile, TLS_KEY_FILE: keyFile };
    expect(readConfig({ ROOT_KEY: hexKey, ...tls }).http).toEqual({
      ...{ port: 8080, publicUrl: 'https://localhost:8080', tls: { certificateFile, keyFile } },
    });
    expect(messageOf({ TLS_KEY_FILE: keyFile })).toContain('together');
    expect(messageOf({ ...tls, PUBLIC_URL: 'http://fhir.example' })).toContain('https');
    expect(messageOf({ ...tls, TLS_KEY_FILE: certificateFile })).toContain('PEM');
    expect(messageOf({ ...tls, TLS_KEY_FILE: path.join(folder, 'none') })).toContain('ENOENT');
  });
});

describe('where heads of AuditEvents are anchored', () => {
  const placeOf = (env: Record<string, string>) =>
    anchorPlaceOf(readConfig({ HPMS_DATA_DIR: path.join(folder, 'unused'), ROOT_KEY: hexKey, ...env }));

  test('is a file of the data directory, or what AUDIT_ANCHOR names', () => {
    expect(placeOf({})).toEqual({ kind: 'file', path: path.join(folder, 'unused', 'audit-anchors.jsonl') });
    expect(placeOf({ AUDIT_ANCHOR: 'file:/mnt/a.jsonl' })).toEqual({ kind: 'file', path: '/mnt/a.jsonl' });
    expect(placeOf({ AUDIT_ANCHOR: 'objects:/mnt/worm' })).toEqual({ kind: 'objects', path: '/mnt/worm' });
  });

  test.each(['/mnt/a.jsonl', 'file:', 's3:bucket'])('is not %s', (value) => {
    expect(messageOf({ AUDIT_ANCHOR: value })).toContain('AUDIT_ANCHOR is');
  });
});
