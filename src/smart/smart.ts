// SMART on FHIR for all tenants of this process, an authorization server for each: https://hl7.org/fhir/smart-app-launch/

import type Koa from 'koa';
import type { Caller } from '../access/caller.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { createOutboundFetch, type OutboundFetch } from '../gateways/outbound-fetch.ts';
import { createGuessLimit } from '../people/second-factor/guess-limit.ts';
import { createSecondFactors } from '../people/second-factor/second-factors.ts';
import { createBriefCache } from '../tenants/brief-cache.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { createSettingsReader } from '../tenants/settings.ts';
import { createAccountPages } from './account/account-pages.ts';
import { signInHref } from './account-client.ts';
import { createClientKeys } from './client-key-set.ts';
import { openIdConfiguration, smartConfiguration } from './discovery.ts';
import { type Issuer, type IssuerContext, openIssuer } from './issuer.ts';
import type { PatientDirectory } from './patient-directory.ts';
import { registrationsOfNetwork } from './registration.ts';
import { createThrottle } from './throttle.ts';
import { issuerUrls } from './urls.ts';

export interface SmartOptions {
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly resourceTypes: ReadonlySet<string>;
  readonly onError: (error: unknown) => void;
  /** To addresses that clients name; absent = to public ones only. */
  readonly fetchOutbound?: OutboundFetch;
}

export interface Smart {
  /** What is under `/t/{tenant}` beside the FHIR API; throws 404 where nothing is. */
  handler(tenant: TenantRecord): (ctx: Koa.Context) => Promise<void>;
  /** The document `.well-known/smart-configuration` under the FHIR base. */
  smartConfiguration(tenant: TenantRecord): Promise<Record<string, unknown>>;
  /** The document of RFC 8414 for whoever looks for it before the path of the issuer, as its section 3.1 has it. */
  serverMetadata(tenant: TenantRecord): Promise<Record<string, unknown>>;
  /** Throws 401 `login`. At once when the same header was good within the last second. */
  authenticate(tenant: TenantRecord, authorizationHeader: string | undefined): Caller | Promise<Caller>;
  /** Of the pages of registered apps, which may read answers in a browser: security.md 66. */
  originsOf(tenantId: number): readonly string[] | Promise<readonly string[]>;
  /** Where patients are looked for; until it is said, there are none. */
  useDirectory(patients: PatientDirectory): void;
  /** To be called on every notice of the channel `hpms_access`: the next request asks the database again. */
  forget(): void;
}

const issuersMax = 500;
const tenantsCachedMax = 10_000;

export function createSmart(options: SmartOptions): Smart {
  let directory: PatientDirectory | undefined;
  const context = createContext(options, () => directory);
  const issuers = createIssuers(context);
  const origins = createBriefCache(
    (tenantId: number) => options.tenantDoor(tenantId, readOrigins, 'read'),
    tenantsCachedMax,
  );
  return {
    handler: (tenant) => async (ctx) => (await issuers.of(tenant)).handle(ctx),
    async smartConfiguration(tenant) {
      return smartConfiguration(issuerUrls(options.publicUrl, tenant.name), await context.settings.of(tenant.id));
    },
    async serverMetadata(tenant) {
      return openIdConfiguration(issuerUrls(options.publicUrl, tenant.name), await context.settings.of(tenant.id));
    },
    authenticate(tenant, header) {
      const issuer = issuers.of(tenant);
      return issuer instanceof Promise
        ? issuer.then((opened) => opened.authenticate(header))
        : issuer.authenticate(header);
    },
    originsOf: origins.get,
    useDirectory(patients) {
      directory = patients;
    },
    forget() {
      context.settings.forget();
      origins.clear();
      issuers.forget();
    },
  };
}

function createContext(options: SmartOptions, directory: () => PatientDirectory | undefined): IssuerContext {
  const { tenantDoor, keyRing, publicUrl } = options;
  const throttle = createThrottle();
  const settings = createSettingsReader(tenantDoor);
  const secondFactors = createSecondFactors({ tenantDoor, keyRing, now: () => new Date() });
  const fetchOutbound = options.fetchOutbound ?? createOutboundFetch({ allowedHosts: new Set() });
  return {
    ...{ ...options, settings, throttle, secondFactors, fetchOutbound },
    registrations: createGuessLimit(Date.now, registrationsOfNetwork),
    clientKeys: createClientKeys(fetchOutbound),
    patients: {
      search: async (caller, query) => (await directory()?.search(caller, query)) ?? { patients: [], hasMore: false },
      find: async (caller, id) => await directory()?.find(caller, id),
      encounters: async (caller, patientId) =>
        (await directory()?.encounters(caller, patientId)) ?? { encounters: [], hasMore: false },
      currentEncounter: async (caller, patientId) => await directory()?.currentEncounter(caller, patientId),
      hasEncounter: async (caller, patientId, id) => (await directory()?.hasEncounter(caller, patientId, id)) ?? false,
    },
    answerAccount: createAccountPages({
      ...{ ...options, secondFactors, throttle },
      policyOf: async (tenantId) => (await settings.of(tenantId))['second-factor.required'],
      timeZoneOf: async (tenantId) => (await settings.of(tenantId)).timezone,
      signInHref: (tenant) => signInHref(issuerUrls(publicUrl, tenant.name)),
    }),
  };
}

function createIssuers(context: IssuerContext) {
  const issuers = new Map<number, Issuer | Promise<Issuer>>();

  /** Kept in the order of use, so that the one unused for longest makes room. */
  function issuerOf(tenant: TenantRecord): Issuer | Promise<Issuer> {
    const known = issuers.get(tenant.id);
    if (known) issuers.delete(tenant.id);
    const issuer = known ?? open(tenant);
    issuers.set(tenant.id, issuer);
    const oldest = issuers.size > issuersMax ? issuers.keys().next().value : undefined;
    if (oldest !== undefined) issuers.delete(oldest);
    return issuer;
  }

  function open(tenant: TenantRecord): Promise<Issuer> {
    const opening = openIssuer(context, tenant);
    const settle = (issuer: Issuer | undefined) => {
      if (issuers.get(tenant.id) !== opening) return;
      if (issuer) issuers.set(tenant.id, issuer);
      else issuers.delete(tenant.id);
    };
    opening.then(settle, () => settle(undefined));
    return opening;
  }

  return {
    of: issuerOf,
    forget() {
      for (const issuer of issuers.values()) if (!(issuer instanceof Promise)) issuer.forget();
    },
  };
}

async function readOrigins(trx: TenantTransaction): Promise<readonly string[]> {
  const rows = await trx.query<{ origin: string }>({
    name: 'read-client-origins',
    text: 'SELECT DISTINCT unnest(origins) AS origin FROM client WHERE active',
  });
  return rows.map(({ origin }) => origin);
}
