// A small FHIR client with a token of its own, as any script of a clinic's partner would have: https://www.rfc-editor.org/rfc/rfc6749#section-4.4

import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes';
import { Agent, type Dispatcher, request } from 'undici';
import { DemoFailure } from './demo-failure.ts';

/** `demo.json`, which a server writes for scripts. */
export interface Connection {
  readonly fhirBaseUrl: string;
  readonly tokenUrl: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly etag: string | undefined;
}

export interface SendOptions {
  readonly body?: string | Buffer;
  readonly ifMatch?: string;
  /** What is sent, for the line that tells of a refusal. */
  readonly name?: string;
  /** Other statuses that are an answer; besides them only 200 and 201 are. */
  readonly allowed?: readonly number[];
}

export type Stored<T extends Resource> = T & { readonly id: string };

/** A big bundle takes its time. */
const answerTimeoutMs = 300_000;
/** A token is renewed when it has less than this left. */
const renewBeforeMs = 30_000;

export class FhirClient {
  readonly #connection: Connection;
  readonly #agent = new Agent({ headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs });
  #token: { readonly text: string; readonly renewAt: number } | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Gets a token by client_credentials with client_secret_basic and gives its lifetime. */
  async authorize(): Promise<{ readonly expiresInSeconds: number }> {
    const { tokenUrl, clientId, clientSecret } = this.#connection;
    const credentials = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64');
    const answer = await this.#request(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.cruds' }).toString(),
    });
    const granted = parseObject(answer.text) as { access_token?: string; expires_in?: number; error?: string };
    if (answer.status !== 200 || granted.access_token === undefined) {
      throw new DemoFailure(`The token endpoint answered ${answer.status} ${granted.error ?? ''}`.trimEnd());
    }
    const expiresInSeconds = granted.expires_in ?? 60;
    this.#token = { text: granted.access_token, renewAt: performance.now() + expiresInSeconds * 1_000 - renewBeforeMs };
    return { expiresInSeconds };
  }

  /** The header, with a token that is good for a while. */
  async authorization(): Promise<string> {
    if (!this.#token || performance.now() > this.#token.renewAt) await this.authorize();
    return `Bearer ${this.#token?.text}`;
  }

  /** `path` is below the FHIR base. Throws DemoFailure for a status that is no answer. */
  async send(method: Dispatcher.HttpMethod, path: string, options: SendOptions = {}): Promise<Answer> {
    const authorization = await this.authorization();
    const { body, ifMatch, name = `${method} ${path}`, allowed = [] } = options;
    const answer = await this.#request(`${this.#connection.fhirBaseUrl}${path === '' ? '' : `/${path}`}`, {
      method,
      headers: {
        authorization,
        accept: 'application/fhir+json',
        ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body }),
    });
    if (![200, 201, ...allowed].includes(answer.status)) {
      throw new DemoFailure(`${name} was answered ${answer.status}: ${reasonOf(answer)}`);
    }
    return answer;
  }

  async read<T extends Resource>(type: T['resourceType'], id: string): Promise<Stored<T>> {
    return parseObject((await this.send('GET', `${type}/${id}`)).text) as Stored<T>;
  }

  /** The first page only: the demo looks for a few. */
  async search<T extends Resource>(type: T['resourceType'], query: readonly [string, string][]): Promise<Stored<T>[]> {
    const answer = await this.send('GET', `${type}?${new URLSearchParams(query)}`);
    const bundle = parseObject(answer.text) as Bundle<T>;
    return (bundle.entry ?? [])
      .filter(({ search }) => search?.mode !== 'outcome')
      .map(({ resource }) => resource as Stored<T>);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #request(url: string, options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>): Promise<Answer> {
    try {
      const { statusCode, headers, body } = await request(url, { ...options, dispatcher: this.#agent });
      const { etag } = headers;
      return { status: statusCode, text: await body.text(), etag: typeof etag === 'string' ? etag : undefined };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new DemoFailure(`${url.split('?')[0]} does not answer: ${code ?? message}`, { cause: error });
    }
  }
}

/** What the server says of a refusal: it never repeats a patient's data. */
function reasonOf({ text }: Pick<Answer, 'text'>): string {
  const issue = (parseObject(text) as Partial<OperationOutcome>).issue?.[0];
  if (!issue) return 'without an OperationOutcome';
  const place = issue.expression?.[0];
  return `${issue.diagnostics ?? issue.code}${place === undefined ? '' : ` (${place})`}`.slice(0, 500);
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
