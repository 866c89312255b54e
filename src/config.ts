// The settings, from the environment only, read and checked once at start; each room is handed its slice.

import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { makeDataDirectory } from './database/data-directory.ts';
import type { AnchorPlace } from './gateways/open-anchor.ts';
import { type CertificateFiles, readCertificate } from './http/certificate.ts';
import { areNamedAlike, parseRootUrl, type RootSettings, type RootSource, rootUrlForms } from './root-settings.ts';

export interface Config {
  /** The embedded database's cluster, the root key made at the first start, stored objects, `demo.json`. */
  readonly dataDir: string;
  readonly database: {
    /** Of a role that may migrate; absent: the embedded PostgreSQL. */
    readonly url?: string;
  };
  readonly crypto: {
    /** Passwords of database roles and the like follow from it; the root key itself where nothing else is said. */
    readonly rootKey: Buffer;
    readonly root: RootSettings;
  };
  readonly http: {
    readonly port: number;
    /** How clients reach this server, without a slash at the end; never taken from a request's Host. */
    readonly publicUrl: string;
    /** Absent: plain HTTP. */
    readonly tls?: CertificateFiles;
  };
  readonly jobs: {
    /** Absent: the queues are in PostgreSQL. */
    readonly redisUrl?: string;
  };
  readonly mail: {
    /** Absent: no mail is sent, and the log says so. */
    readonly smtpUrl?: string;
    /** The sender's address. */
    readonly from: string;
  };
  readonly outbound: {
    /** Hosts of tenants' identity providers and apps that may be asked although they are not on the public network. */
    readonly allowedHosts: readonly string[];
  };
  readonly log: { readonly level: LogLevel };
  /** Where the heads of AuditEvents are anchored; absent: in a file of the data directory. */
  readonly auditAnchor?: AnchorPlace;
}

const keyForms = '32 bytes as base64 or as 64 hexadecimal digits';
const ownSettings = ['HPMS_DATA_DIR'];
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One line that names the variable, its value (unless it is a secret) and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `required`: for commands beside a server, which make no data directory where its name was mistyped. */
type KeyFile = 'made' | 'required';

export function readConfig(env: Environment, keyFile: KeyFile = 'made'): Config {
  refuseUnknown(env);
  const dataDir = path.resolve(env.HPMS_DATA_DIR || '.data');
  const databaseUrl = readDatabaseUrl(env);
  const redisUrl = readRedisUrl(env);
  return {
    dataDir,
    database: databaseUrl === undefined ? {} : { url: databaseUrl },
    crypto: readCrypto(env, { dataDir, databaseUrl, keyFile }),
    http: readHttp(env),
    jobs: redisUrl === undefined ? {} : { redisUrl },
    mail: readMail(env),
    outbound: { allowedHosts: readHosts(env) },
    log: { level: readLogLevel(env) },
    ...readAnchorPlace(env),
  };
}

function readAnchorPlace(env: Environment): Pick<Config, 'auditAnchor'> {
  const text = env.AUDIT_ANCHOR;
  if (!text) return {};
  const { kind, place = '' } = /^(?<kind>file|objects):(?<place>.+)$/.exec(text)?.groups ?? {};
  if (kind !== 'file' && kind !== 'objects') {
    throw bad('AUDIT_ANCHOR', text, 'file: and the name of a file, or objects: and that of a directory');
  }
  return { auditAnchor: { kind, path: path.resolve(place) } };
}

export function anchorPlaceOf({ auditAnchor, dataDir }: Config): AnchorPlace {
  return auditAnchor ?? { kind: 'file', path: path.join(dataDir, 'audit-anchors.jsonl') };
}

function readHttp(env: Environment): Config['http'] {
  const port = readPort(env);
  const tls = readTls(env);
  const publicUrl = readPublicUrl(env) ?? `${tls ? 'https' : 'http'}://localhost:${port}`;
  if (tls && !publicUrl.startsWith('https:'))
    throw bad('PUBLIC_URL', publicUrl, 'an https URL where TLS_KEY_FILE is set');
  return { port, publicUrl, ...(tls && { tls }) };
}

function readTls(env: Environment): CertificateFiles | undefined {
  const { TLS_CERTIFICATE_FILE: certificateFile, TLS_KEY_FILE: keyFile } = env;
  if (!certificateFile && !keyFile) return undefined;
  if (!certificateFile || !keyFile) {
    throw new ConfigError('TLS_CERTIFICATE_FILE and TLS_KEY_FILE are set together, or neither for plain HTTP.');
  }
  const files = { certificateFile, keyFile };
  try {
    readCertificate(files);
  } catch (error) {
    const names = `${certificateFile}, ${keyFile}`;
    throw bad('TLS_CERTIFICATE_FILE, TLS_KEY_FILE', names, `a certificate and its key in PEM (${reasonOf(error)})`);
  }
  return files;
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}

function readPort(env: Environment): number {
  const text = env.PORT || '8080';
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw bad('PORT', text, 'a number from 1 to 65535');
  return port;
}

function readLogLevel(env: Environment): LogLevel {
  const text = env.LOG_LEVEL || 'info';
  const level = logLevels.find((known) => known === text);
  if (!level) throw bad('LOG_LEVEL', text, `one of ${logLevels.join(', ')}`);
  return level;
}

function readPublicUrl(env: Environment): string | undefined {
  const text = env.PUBLIC_URL;
  if (!text) return undefined;
  const url = parseUrl(text, ['http:', 'https:']);
  if (!url?.hostname || url.search || url.hash || url.username || url.password) {
    throw bad(
      'PUBLIC_URL',
      text,
      'an http or https URL without user, query and fragment, such as https://fhir.example.org',
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** They would stand above what each role's connections have. */
const ownParameters = ['host', 'port', 'user', 'password', 'options', 'application_name'];

function readDatabaseUrl(env: Environment): string | undefined {
  const text = readSecret(env, 'DATABASE_URL');
  const password = readSecret(env, 'DATABASE_PASSWORD');
  if (text === undefined) {
    if (password === undefined) return undefined;
    throw new ConfigError(
      'DATABASE_PASSWORD is set without DATABASE_URL; set both, or neither for the embedded database.',
    );
  }
  const url = parseUrl(text, ['postgres:', 'postgresql:']);
  const isPlain = url && ownParameters.every((name) => !url.searchParams.has(name));
  if (!isPlain || url.hostname === '' || url.pathname.length < 2) {
    const folder = 'or the folder of a Unix socket in the place of the host, as %2Frun%2Fpostgresql';
    throw badSecret(
      'DATABASE_URL',
      `postgres://user:password@host:port/database, ${folder}; not ?${ownParameters.join(', ?')}`,
    );
  }
  if (password !== undefined) url.password = encodeURIComponent(password);
  return url.href;
}

function readRedisUrl(env: Environment): string | undefined {
  const text = readSecret(env, 'REDIS_URL');
  if (text === undefined) return undefined;
  if (!parseUrl(text, ['redis:', 'rediss:'])?.hostname)
    throw badSecret('REDIS_URL', 'redis://host:port or rediss://host:port');
  return text;
}

function readMail(env: Environment): Config['mail'] {
  const smtpUrl = readSecret(env, 'SMTP_URL');
  const from = env.MAIL_FROM || 'HPMS <hpms@localhost>';
  if (!/^[^\r\n<>]*<[^\s@<>]+@[^\s@<>]+>$|^[^\s@<>]+@[^\s@<>]+$/.test(from)) {
    throw bad('MAIL_FROM', from, 'an address such as clinic@example.org or Clinic <clinic@example.org>');
  }
  if (smtpUrl === undefined) return { from };
  if (!parseUrl(smtpUrl, ['smtp:', 'smtps:'])?.hostname) {
    throw badSecret('SMTP_URL', 'smtps://user:password@host:port, or smtp:// to begin with STARTTLS');
  }
  return { smtpUrl, from };
}

function readHosts(env: Environment): string[] {
  const hosts = (env.OUTBOUND_HOSTS ?? '').split(',').flatMap((host) => host.trim().toLowerCase() || []);
  const wrong = hosts.find((host) => !/^[a-z0-9.-]+$|^\[[0-9a-f:]+\]$/.test(host));
  if (wrong !== undefined) throw bad('OUTBOUND_HOSTS', wrong, 'names or addresses of hosts, separated by commas');
  return hosts;
}

interface KeyPlace {
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly keyFile: KeyFile;
}

function readCrypto(env: Environment, place: KeyPlace): Config['crypto'] {
  const elsewhere = readRootUrl(env, 'ROOT_KEY_URL');
  const given = readKey(env, 'ROOT_KEY');
  if (elsewhere && given) throw new ConfigError('ROOT_KEY and ROOT_KEY_URL are both set; set one of them.');
  const previous = readPrevious(env);
  if (elsewhere && previous && areNamedAlike(elsewhere, previous)) {
    throw new ConfigError(
      'ROOT_KEY_URL and ROOT_KEY_PREVIOUS_URL name their keys alike, so what either has wrapped could not be told apart; choose another prefix.',
    );
  }
  const secret = readKey(env, 'SERVER_SECRET');
  const fromFile = () => keyOfDataDirectory(place, elsewhere ? 'SERVER_SECRET' : 'ROOT_KEY');
  const key = elsewhere && secret ? secret : (given ?? fromFile());
  return {
    rootKey: secret ?? key,
    root: {
      current: elsewhere ?? { kind: 'local', key },
      ...(previous ? { previous } : {}),
      ...keyDirOf(env, place),
      cacheMs: readCacheMinutes(env) * 60_000,
    },
  };
}

/** Beside a database of one's own every process of every machine must see it, so that is for the operator to say. */
function keyDirOf(env: Environment, { dataDir, databaseUrl }: KeyPlace): Pick<RootSettings, 'keyDir'> {
  if (env.KEY_DIR) return { keyDir: path.resolve(env.KEY_DIR) };
  return databaseUrl === undefined ? { keyDir: path.join(dataDir, 'keys') } : {};
}

function readPrevious(env: Environment): RootSource | undefined {
  const elsewhere = readRootUrl(env, 'ROOT_KEY_PREVIOUS_URL');
  const given = readKey(env, 'ROOT_KEY_PREVIOUS');
  if (elsewhere && given)
    throw new ConfigError('ROOT_KEY_PREVIOUS and ROOT_KEY_PREVIOUS_URL are both set; set one of them.');
  return elsewhere ?? localSource(given);
}

function localSource(key: Buffer | undefined): RootSource | undefined {
  return key && { kind: 'local', key };
}

function readRootUrl(env: Environment, name: string): RootSource | undefined {
  const text = env[name];
  if (!text) return undefined;
  const source = parseRootUrl(text, (secret) => readSecret(env, secret));
  // Whoever has put a token into it must not find it in the log.
  if (source === undefined) throw badSecret(name, rootUrlForms);
  if (typeof source === 'string') throw new ConfigError(`${source} or ${source}_FILE must be set when ${name} is.`);
  return source;
}

function readCacheMinutes(env: Environment): number {
  const text = env.KEY_CACHE_MINUTES || '60';
  const minutes = Number(text);
  if (!/^\d{1,4}$/.test(text) || minutes < 1 || minutes > 1_440)
    throw bad('KEY_CACHE_MINUTES', text, 'a number from 1 to 1440');
  return minutes;
}

function readKey(env: Environment, name: string): Buffer | undefined {
  const text = readSecret(env, name);
  if (text === undefined) return undefined;
  const key = parseKey(text);
  if (!key) throw badSecret(env[name] ? name : `${name}_FILE`, keyForms);
  return key;
}

/** Only beside the embedded database: a server of one's own, with several processes, must not have its key made in passing. */
function keyOfDataDirectory({ dataDir, databaseUrl, keyFile }: KeyPlace, name: string): Buffer {
  if (databaseUrl !== undefined) {
    throw new ConfigError(`${name} or ${name}_FILE must be set when DATABASE_URL is; allowed is ${keyForms}.`);
  }
  const file = path.join(dataDir, 'root.key');
  const text = tryRead(file);
  const hasDatabase = ['postgres', 'postgres.location'].some((one) => existsSync(path.join(dataDir, one)));
  if (text === undefined && hasDatabase) {
    throw new ConfigError(
      `There is a database in ${dataDir} but no root.key: put your copy of it there, or set ${name}.`,
    );
  }
  if (text === undefined && keyFile === 'required') {
    throw new ConfigError(
      `There is no database in ${dataDir}: set HPMS_DATA_DIR to the data directory of a server, or DATABASE_URL.`,
    );
  }
  const key = parseKey(text ?? makeKeyFile(file));
  if (!key) throw new ConfigError(`${file} does not hold a root key; allowed is ${keyForms}.`);
  return key;
}

/** On disk before anything is encrypted under it, and whole or not there at all. */
function makeKeyFile(file: string): string {
  const directory = path.dirname(file);
  try {
    makeDataDirectory(directory);
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw bad(
      'HPMS_DATA_DIR',
      directory,
      `a directory this process can write to (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const aside = `${file}.${process.pid}`;
  const descriptor = openSync(aside, 'w', 0o600);
  writeSync(descriptor, `${randomBytes(32).toString('base64')}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  try {
    linkSync(aside, file);
  } catch (error) {
    // Another process that starts now has made one: then that is the key.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside);
  }
  return readFileSync(file, 'utf8');
}

function parseKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[\w+/-]{43}=?$/.test(trimmed)) return undefined;
  const key = Buffer.from(trimmed, 'base64');
  return key.length === 32 ? key : undefined;
}

/** A secret may come in a file, as container platforms hand them out: `NAME_FILE` names it. */
function readSecret(env: Environment, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  if (env[name]) throw new ConfigError(`${name} and ${name}_FILE are both set; set one of them.`);
  const text = tryRead(file)?.trim();
  if (!text) throw bad(`${name}_FILE`, file, 'the name of a file that can be read and is not empty');
  return text;
}

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parseUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.parse(text);
  return url && protocols.includes(url.protocol) ? url : undefined;
}

function refuseUnknown(env: Environment): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('HPMS_') && !ownSettings.includes(name));
  if (unknown.length > 0)
    throw new ConfigError(`Unknown setting ${unknown.sort().join(', ')}; allowed is ${ownSettings.join(', ')}.`);
}

function bad(name: string, value: string, allowed: string): ConfigError {
  return new ConfigError(`${name} is ${JSON.stringify(value)}; allowed is ${allowed}.`);
}

function badSecret(name: string, allowed: string): ConfigError {
  return new ConfigError(
    `${name} has a value that is not allowed (not shown, as it may hold a secret); allowed is ${allowed}.`,
  );
}
