// Every FHIR door of two tenants, opened by callers made by hand: what comes before a caller (tokens) is tested elsewhere.

import type { Bundle, Resource } from '@medplum/fhirtypes';
import { type Caller, type Grant, serverCaller } from '../../src/access/caller.ts';
import { createAccessTrail } from '../../src/audit/trail/access-trail.ts';
import type { Config } from '../../src/config.ts';
import { type Doors, openDoors } from '../../src/doors.ts';
import { parseJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { answerRouted } from '../../src/http/answer-routed.ts';
import { findFhirRoute } from '../../src/http/fhir-routes.ts';
import type { InteractionRequest, RequestMethod } from '../../src/http/interaction.ts';
import { createBundleInteraction } from '../../src/http/interactions/bundle.ts';
import { RequestAccess } from '../../src/http/request-access.ts';
import { type OpenRepository, openRepository } from '../../src/open-repository.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { parseScopes } from '../../src/smart/scopes.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createTestDatabase, testKeys } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at members that only this answer has.
  readonly json: any;
}

export interface OpenedDoors {
  readonly tenants: readonly [number, number];
  readonly doors: Doors;
  readonly opened: OpenRepository;
  /** The same as another process has it. */
  reopen(): OpenRepository;
  /** Whoever may do everything in the tenant. */
  all(tenantId?: number): Caller;
  /** Whoever has these scopes, in the first tenant. */
  holder(scopes: string, rest?: Partial<Caller>): Caller;
  /** Writes these as the server's own clinic would, each by its id. */
  store(resources: readonly Resource[], tenantId?: number): Promise<void>;
  ask(caller: Caller, method: RequestMethod, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
  close(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

const baseUrl = 'http://hpms.test/t/x/fhir';

export async function openAllDoors(): Promise<OpenedDoors> {
  const database = await createTestDatabase();
  const doors = openDoors({ databaseUrl: database.url, ...testKeys, onIdleError: () => undefined });
  const config = configOf(makeTemporaryFolder());
  const opened = openRepository({ config, doors });
  const { repository } = opened;
  const tenants = [
    (await createTenant(doors, { name: 'doors-a' })).tenantId,
    (await createTenant(doors, { name: 'doors-b' })).tenantId,
  ] as const;
  const find = findFhirRoute(repository.definitions, opened.operations);
  const bundles = createBundleInteraction(find);
  const trail = createAccessTrail({ repository, pool: doors.trailPool, onError: () => undefined });
  const holder: OpenedDoors['holder'] = (scopes, rest = {}) => ({
    tenantId: tenants[0],
    clientId: 'app',
    kind: 'client',
    agent: { display: 'app' },
    grants: grantsOf(scopes, repository.definitions.resourceTypes),
    roles: new Set(),
    operations: new Set(),
    ...rest,
  });
  const all: OpenedDoors['all'] = (tenantId = tenants[0]) => holder('system/*.cruds', { tenantId });
  return {
    tenants,
    doors,
    opened,
    reopen: () => openRepository({ config, doors }),
    all,
    holder,
    async store(resources, tenantId) {
      const intents = resources.map((resource) => ({
        ...({ action: 'update', id: resource.id as string, resource } as const),
      }));
      await inSession(repository, serverCaller(tenantId ?? tenants[0], 'clinic'), (session) => write(session, intents));
      opened.forget();
    },
    async ask(caller, method, path, body, headers = {}) {
      const [place = '', query = ''] = path.replace(/^\//, '').split('?');
      const request = {
        method,
        baseUrl,
        query: new URLSearchParams(query),
        body: asBody(body),
        header: named(headers),
      };
      try {
        if (method === 'POST' && place === '') {
          const options = { repository, trail, onFailure: rethrow };
          const access = new RequestAccess({ method, path: '', query, requestId: 'attack', now: repository.now });
          access.tenantId = caller.tenantId;
          const whole = { ...request, type: '', id: '', versionId: '', params: {}, access };
          return answerOf(await bundles(options, caller, whole, undefined));
        }
        const { route, params } = find(method, place);
        const { type = '', id = '', versionId = '' } = params;
        const whole: InteractionRequest = { ...request, type, id, versionId, params };
        const run = () => inSession(repository, caller, (session) => answerRouted(session, route, whole), route.kind);
        return answerOf(await run());
      } catch (error) {
        if (!(error instanceof FhirError)) throw error;
        return { status: error.status, text: error.message, headers: {}, json: { issue: error.issues } };
      }
    },
    async close() {
      await trail.close();
      await doors.close();
      await database.drop();
    },
  };
}

/** What a repository is made by. */
function configOf(dataDir: string): Config {
  return {
    dataDir,
    crypto: testKeys,
    http: { port: 0, publicUrl: 'http://hpms.test' },
    outbound: { allowedHosts: [] },
  } as Partial<Config> as Config;
}

function grantsOf(scopes: string, types: ReadonlySet<string>): Grant[] {
  return parseScopes(scopes, types).map(({ text, grant }) => {
    if (!grant) throw new Error(`${text} gives no right.`);
    return grant;
  });
}

function asBody(body: unknown): InteractionRequest['body'] {
  return body === undefined ? undefined : parseJson(JSON.stringify(body));
}

function named(headers: Headers): (name: string) => string | undefined {
  return (name) => headers[name] ?? (name === 'Accept' ? 'application/fhir+json' : undefined);
}

function rethrow(error: unknown): never {
  throw error;
}

function answerOf(answer: { status: number; headers: Headers; body: unknown }): Answer {
  const text = answer.body === undefined ? '' : String(answer.body);
  return { status: answer.status, text, headers: answer.headers, json: text === '' ? undefined : JSON.parse(text) };
}

/** `Type/id` of all entries of an answer. */
export function found({ json }: Answer): string[] {
  return ((json as Bundle).entry ?? [])
    .flatMap(({ resource }) => (resource ? [`${resource.resourceType}/${resource.id}`] : []))
    .sort();
}
