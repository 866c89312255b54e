// What an app gets when it is let in: the person, whose record is open, and the scopes that the registration, the person's
// rights and the person's consent leave of those asked for (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html).

import { accountClientId } from './account-client.ts';
import { insertAppGrant, type LaunchContext } from './app-grants.ts';
import { type Consent, findConsent } from './consents.ts';
import { scopesWithin, textsOf } from './grantable.ts';
import { hashOf } from './hash.ts';
import { findLaunch, type Launch, useLaunch } from './launches.ts';
import { errors, type OidcContext, type PickedContext } from './oidc-provider.ts';
import type { PatientDirectory } from './patient-directory.ts';
import { callerOfPerson, ownPatient, type Person, type PersonContext } from './person.ts';
import { parseScopes } from './scopes.ts';
import { sessionSeconds } from './session-adapter.ts';
import type { IssuerUrls } from './urls.ts';

export interface AuthorizationContext extends PersonContext {
  readonly urls: IssuerUrls;
  readonly resourceTypes: ReadonlySet<string>;
  readonly patients: PatientDirectory;
}

export interface Authorization {
  readonly person: Person;
  /** As far as the registration and the person's rights go. */
  readonly scopes: readonly string[];
  readonly launch: LaunchContext;
  readonly needsPatient: boolean;
  /** The app was opened by itself, wants to know the visit, and the person has not been asked which. */
  readonly needsEncounter: boolean;
  /** Those that the person has not been asked about. */
  readonly unasked: readonly string[];
  readonly consent: Consent | undefined;
}

/** A year; refresh tokens live less long, but are renewed. */
export const grantSeconds = 366 * 86_400;

const known = new WeakMap<OidcContext, Promise<Authorization>>();

/** Worked out once for each request. The person is signed in. */
export function authorizationOf(context: AuthorizationContext, ctx: OidcContext): Promise<Authorization> {
  const { params, client, result, account } = ctx.oidc;
  const found =
    known.get(ctx) ??
    readAuthorization(context, {
      ...{ params, clientId: client.clientId, person: account as Person },
      picked: result?.launch,
    });
  known.set(ctx, found);
  return found;
}

export interface AuthorizationRequest {
  readonly clientId: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly person: Person;
  readonly picked: PickedContext | undefined;
}

export async function readAuthorization(
  { tenantId, tenantDoor, resourceTypes }: AuthorizationContext,
  { clientId, params, person, picked }: AuthorizationRequest,
): Promise<Authorization> {
  const { launch, consent } = await tenantDoor(tenantId, async (trx) => {
    const brought =
      params.launch === undefined ? undefined : findLaunch(trx, params.launch, { clientId, isBrought: false });
    const said = findConsent(trx, person.accountId, clientId);
    return { launch: await brought, consent: await said };
  });
  if (params.launch !== undefined) requireLaunch(launch, person);
  const scopes = textsOf(scopesWithin(parseScopes(params.scope ?? '', resourceTypes), person.rights));
  const wantsEncounter = launch === undefined && scopes.includes('launch/encounter');
  const patient = launch?.patient ?? ownPatient(person.account) ?? picked?.patient;
  const encounter = launch ? launch.encounter : picked?.encounter;
  const asked = new Set([...(consent?.granted ?? []), ...(consent?.refused ?? [])]);
  return {
    ...{ person, scopes, consent },
    launch: {
      ...launch,
      ...(patient === undefined ? {} : { patient }),
      ...(typeof encounter === 'string' ? { encounter } : {}),
    },
    needsPatient: patient === undefined && (wantsEncounter || scopes.some(opensRecord)),
    needsEncounter: wantsEncounter && patient !== undefined && encounter === undefined,
    unasked: scopes.filter((scope) => !asked.has(scope)),
  };
}

/** A launch is for one person, and a patient's own record is the only one that opens for a patient. */
function requireLaunch(launch: Launch | undefined, { accountId, account }: Person): asserts launch {
  const isTheirs = launch?.accountId === undefined || launch.accountId === accountId;
  const own = ownPatient(account);
  if (launch && isTheirs && (own === undefined || launch.patient === undefined || launch.patient === own)) return;
  throw new errors.InvalidRequest('launch is unknown, used, expired or not for this person and app');
}

function opensRecord(scope: string): boolean {
  return scope === 'launch/patient' || scope.startsWith('patient/');
}

/** An app is told what is open as far as it has been granted to know. */
export function contextWithin(scopes: readonly string[], { patient, encounter, intent }: LaunchContext): LaunchContext {
  const isLaunched = scopes.includes('launch');
  return {
    ...(patient !== undefined && (isLaunched || scopes.some(opensRecord)) && { patient }),
    ...(encounter !== undefined && (isLaunched || scopes.includes('launch/encounter')) && { encounter }),
    ...(intent !== undefined && isLaunched && { intent }),
  };
}

/** Lets the app in: a grant of its own for this one time, so that two patients open in one app do not meet. */
export async function giveGrant(context: AuthorizationContext, ctx: OidcContext): Promise<void> {
  const { provider, client, session, params } = ctx.oidc;
  const authorization = await authorizationOf(context, ctx);
  const { person } = authorization;
  if (params.launch !== undefined) await takeLaunch(context, params.launch);
  const opened = await withEncounter(context, ctx, authorization);
  const scopes = settledScopes(ctx, authorization).filter(
    (scope) => scope !== 'launch/encounter' || opened.encounter !== undefined,
  );
  if (scopes.length === 0) throw new errors.InvalidScope('none of the requested scopes was granted');
  const grant = new provider.Grant({ accountId: person.accountId, clientId: client.clientId });
  grant.addOIDCScope(scopes.filter((scope) => identityScopes.has(scope)).join(' '));
  grant.addResourceScope(context.urls.fhirBase, scopes.join(' '));
  const grantId = await grant.save();
  const isOffline = scopes.includes('offline_access');
  await context.tenantDoor(context.tenantId, async (trx) =>
    insertAppGrant(trx, {
      ...contextWithin(scopes, opened),
      ...{ grantId, accountId: person.accountId, clientId: client.clientId },
      sessionHash: isOffline ? undefined : hashOf(session.uid),
      lifetimeSeconds: isOffline ? grantSeconds : sessionSeconds,
    }),
  );
  settle(context, ctx, { grantId, grant, scopes });
}

const identityScopes: ReadonlySet<string> = new Set(['openid', 'profile', 'fhirUser']);

/** What oidc-provider would have remembered of a grant that was there before. */
function settle(
  { urls }: AuthorizationContext,
  { oidc }: OidcContext,
  { grantId, grant, scopes }: { readonly grantId: string; readonly grant: unknown; readonly scopes: readonly string[] },
): void {
  oidc.session.ensureClientContainer(oidc.client.clientId);
  oidc.session.grantIdFor(oidc.client.clientId, grantId);
  oidc.entity('Grant', grant);
  oidc.params.scope = scopes.join(' ');
  const server = oidc.resourceServers[urls.fhirBase];
  if (server) server.scope = oidc.params.scope;
}

/** The answers just given, or those of before as far as they are about what is asked for now. */
function settledScopes(ctx: OidcContext, { scopes, consent }: Authorization): readonly string[] {
  if (ctx.oidc.client.clientId === accountClientId) return scopes;
  const given = ctx.oidc.result?.consent?.scopes ?? consent?.granted ?? [];
  return given.filter((scope) => scopes.some((asked) => scope === asked || scope.startsWith(`${asked}?`)));
}

async function takeLaunch({ tenantId, tenantDoor }: AuthorizationContext, value: string): Promise<void> {
  if (await tenantDoor(tenantId, (trx) => useLaunch(trx, value))) return;
  throw new errors.InvalidRequest('launch was already used');
}

/** Where there is none, nobody is asked which. */
export async function hasEncounters(
  { patients, tenantId }: AuthorizationContext,
  ctx: OidcContext,
  { launch: { patient = '' }, person }: Authorization,
): Promise<boolean> {
  const caller = callerOfPerson(tenantId, person, ctx.oidc.client.clientId);
  return (await patients.encounters(caller, patient)).encounters.length > 0;
}

/** Of an EHR that opens an app with a patient only, the encounter is the one the patient is in now. */
async function withEncounter(
  { patients, tenantId }: AuthorizationContext,
  ctx: OidcContext,
  { launch, scopes, person }: Authorization,
): Promise<LaunchContext> {
  const { patient } = launch;
  if (launch.encounter !== undefined || patient === undefined || !scopes.includes('launch/encounter')) return launch;
  if (ctx.oidc.params.launch === undefined) return launch;
  const caller = callerOfPerson(tenantId, person, ctx.oidc.client.clientId);
  const encounter = await patients.currentEncounter(caller, patient);
  return encounter === undefined ? launch : { ...launch, encounter };
}
