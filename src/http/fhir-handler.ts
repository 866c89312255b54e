// What every FHIR request goes through around its interaction: admit, negotiate, read the body, run, represent, send.

import type { RouterMiddleware } from '@koa/router';
import type { AccessCode } from '../access/access-facts.ts';
import type { Caller } from '../access/caller.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Operation } from '../operations/operation.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import { type AdmitOptions, baseUrlOf, type FhirContext, requireTenant } from './admit.ts';
import { admitRecorded } from './admit-recorded.ts';
import { answerFormat, notAcceptable, plainFormat } from './answer-format.ts';
import { answerSubset } from './answer-subset.ts';
import { applyPreference } from './apply-preference.ts';
import { acceptAsync, mayRespondAsync } from './async/accept.ts';
import { answerOnce, requestKey } from './idempotency.ts';
import type {
  InteractionRequest,
  InteractionResponse,
  OpenInteraction,
  RequestMethod,
  SystemInteraction,
} from './interaction.ts';
import { readInteraction } from './interactions/read.ts';
import type { HttpState } from './middleware/request-state.ts';
import { prefersAsync } from './prefer.ts';
import { type AdmittedRead, createReadAhead, withFetched } from './read-ahead.ts';
import { originOf } from './record-access.ts';
import { RecordedWork } from './recorded-work.ts';
import type { Representation } from './represent.ts';
import { accessCodeOf, RequestAccess } from './request-access.ts';
import { type BodyKind, type CarriedBody, readCarried } from './request-body.ts';
import type { FhirRoute, InteractionCode } from './route.ts';
import { send } from './send.ts';

export interface FhirHandlerOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
  readonly trail: AccessTrail;
  /** Of the server and of its workflows. */
  readonly operations: readonly Operation[];
  readonly bodyBytesMax: number;
  /** Told of the failures of single batch entries. */
  readonly onFailure: (error: unknown) => void;
}

type FhirMiddleware = RouterMiddleware<HttpState>;

/** An interaction on a type or instance: one transaction. */
export function handleRoute(options: FhirHandlerOptions, route: FhirRoute): FhirMiddleware {
  const pattern = `/t/:tenant/fhir${route.path}`;
  const { repository } = options;
  // Of a route of one type, such as `/Binary/:id`.
  const [, ownType] = /^\/([A-Z]\w*)/.exec(route.path) ?? [];
  const admitted: (ctx: FhirContext) => Promise<AdmittedRead> =
    route.run === readInteraction ? createReadAhead(options) : (ctx) => admitRecorded(options, ctx);
  const interaction = accessCodeOf(route);
  return async function fhirRequest(ctx: FhirContext) {
    ctx.state.route = pattern;
    const access = beginAccess(options, ctx, interaction);
    const { caller: admittedCaller, baseUrl, fetched } = await admitted(ctx);
    const caller = withConfirmation(ctx, admittedCaller);
    const named = ctx.params.type ?? ownType;
    const type = named === undefined ? '' : knownType(repository, named, ctx.state);
    const isForm = route.carries === 'form';
    const query = isForm ? await queryAndForm(options, ctx) : new URLSearchParams(ctx.querystring);
    const representation = negotiate(ctx, query, route.isAboutSearch ? undefined : route.code);
    // A Binary is also answered as what it is, which only its interaction knows.
    if (!representation && type !== 'Binary' && !route.givesContent) throw notAcceptable();
    const carried = route.carries && !isForm ? await carriedBy(options, ctx, route.carries) : noBody;
    try {
      const request = requestOf(ctx, { baseUrl, type, query, carried });
      const isAsync = mayRespondAsync(route) && prefersAsync(request);
      const recording = new RecordedWork(options.trail, access);
      const work = (session: Session) =>
        isAsync
          ? acceptAsync(session, pathBelowBase(ctx), { ...request, access })
          : recording.run(fetched ? withFetched(session, fetched) : session, route.kind, (noted) =>
              route.run(noted, request),
            );
      const key = route.kind === 'write' ? requestKey(ctx, caller, carried.bytes ?? noBytes) : undefined;
      const response = key
        ? await answerOnce({ repository, caller, key, notes: () => access.notes }, work)
        : await inSession(repository, caller, work, isAsync ? 'write' : route.kind);
      recording.done(response, isAsync);
      respond(options, ctx, applyPreference(route.code, request, response, repository.validate), representation);
    } finally {
      carried.raw?.stream.destroy();
    }
  };
}

/** A new patient who seems to be there already is registered all the same (contract.md 6). */
function withConfirmation(ctx: FhirContext, caller: Caller): Caller {
  return ctx.get('X-Confirm-Duplicate') === 'true' ? { ...caller, duplicates: 'confirmed' } : caller;
}

/** From here on the request is one that is put on record. */
function beginAccess(
  { repository }: FhirHandlerOptions,
  ctx: FhirContext,
  interaction: AccessCode | undefined,
): RequestAccess {
  const access = new RequestAccess(originOf(ctx, pathBelowBase(ctx), repository.now));
  access.interaction = interaction;
  ctx.state.access = access;
  return access;
}

/** Behind `/t/:tenant/fhir/`. */
function pathBelowBase(ctx: FhirContext): string {
  return ctx.path.split('/').slice(4).join('/');
}

/** An interaction on the whole system, which opens its own transactions. */
export function handleSystem(options: FhirHandlerOptions, route: string, run: SystemInteraction): FhirMiddleware {
  return async function fhirSystemRequest(ctx: FhirContext) {
    ctx.state.route = route;
    const access = beginAccess(options, ctx, undefined);
    const { caller, baseUrl } = await admitRecorded(options, ctx);
    const query = new URLSearchParams(ctx.querystring);
    const representation = negotiate(ctx, query);
    if (!representation) throw notAcceptable();
    const carried = await carriedBy(options, ctx, 'resource');
    const request = { ...requestOf(ctx, { baseUrl, type: '', query, carried }), access };
    const key = carried.bytes && requestKey(ctx, caller, carried.bytes);
    // Of those who come in bundles only a Task tells (contract.md 6).
    const response = await run(options, { ...caller, duplicates: 'reported' }, request, key);
    respond(options, ctx, applyPreference('bundle', request, response, options.repository.validate), representation);
  };
}

/** An interaction that needs no caller. */
export function handleOpen(options: FhirHandlerOptions, route: string, run: OpenInteraction): FhirMiddleware {
  return async function fhirOpenRequest(ctx: FhirContext) {
    ctx.state.route = route;
    const tenant = await requireTenant(options.admit, ctx);
    const query = new URLSearchParams(ctx.querystring);
    const representation = negotiate(ctx, query, 'read');
    if (!representation) throw notAcceptable();
    const { repository } = options;
    const { definitions } = (await repository.tenantDefinitions?.of(tenant.id)) ?? repository;
    const request = { query, header: headerOf(ctx) };
    respond(options, ctx, run(options, baseUrlOf(options.admit, tenant), request, definitions), representation);
  };
}

function knownType(repository: Repository, type: string, state: HttpState): string {
  if (!repository.definitions.resourceTypes.has(type)) {
    throw fhirError('not-supported', 'This is not a resource type of FHIR R4; names are case-sensitive.', {
      status: 404,
    });
  }
  state.resourceType = type;
  return type;
}

const plain: Representation = { format: plainFormat, subset: undefined };
const noBody: CarriedBody = {};
const noBytes = Buffer.alloc(0);

/** Undefined when the client takes no FHIR format; without a code no part of an answer is left out. */
function negotiate(ctx: FhirContext, query: URLSearchParams, code?: InteractionCode): Representation | undefined {
  const format = answerFormat(ctx.req.headers.accept, query);
  if (format === plainFormat && query.size === 0) return plain;
  ctx.state.format = format;
  return format && { format, subset: code && answerSubset(code, query) };
}

function carriedBy({ repository, bodyBytesMax }: FhirHandlerOptions, ctx: FhirContext, kind: BodyKind) {
  return readCarried(ctx, kind, { definitions: repository.definitions, limitBytes: bodyBytesMax });
}

/** https://hl7.org/fhir/R4/search.html#get-post */
async function queryAndForm(options: FhirHandlerOptions, ctx: FhirContext): Promise<URLSearchParams> {
  const { form = [], bytes } = await carriedBy(options, ctx, 'form');
  ctx.state.access?.addForm(bytes);
  return new URLSearchParams([...new URLSearchParams(ctx.querystring), ...form]);
}

/** An empty header was sent all the same. */
function headerOf(ctx: FhirContext): InteractionRequest['header'] {
  return (name) => (name.toLowerCase() in ctx.req.headers ? ctx.get(name) : undefined);
}

interface RequestParts {
  readonly baseUrl: string;
  /** Empty for an interaction on the whole system. */
  readonly type: string;
  readonly query: URLSearchParams;
  readonly carried: CarriedBody;
}

function requestOf(ctx: FhirContext, { baseUrl, type, query, carried }: RequestParts): InteractionRequest {
  const { id = '', versionId = '' } = ctx.params;
  const header = headerOf(ctx);
  const method = (ctx.method === 'HEAD' ? 'GET' : ctx.method) as RequestMethod;
  const { body, raw } = carried;
  const request = { method, baseUrl, type, id, versionId, params: ctx.params, query, body, header };
  return raw ? { ...request, raw } : request;
}

function respond(
  { repository: { definitions } }: FhirHandlerOptions,
  ctx: FhirContext,
  response: InteractionResponse,
  representation: Representation | undefined,
): void {
  send(ctx, response, { definitions, representation });
}
