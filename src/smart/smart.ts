// SMART on FHIR for all tenants of this process, an authorization server for each: https://hl7.org/fhir/smart-app-launch/

import type Koa from 'koa';
import type { Caller } from '../access/caller.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { smartConfiguration } from './discovery.ts';
import { type Issuer, type IssuerContext, openIssuer } from './issuer.ts';
import { createThrottle } from './throttle.ts';
import { issuerUrls } from './urls.ts';

export interface Smart {
  /** What is under `/t/{tenant}` beside the FHIR API; throws 404 where nothing is. */
  handler(tenant: TenantRecord): (ctx: Koa.Context) => Promise<void>;
  /** The document `.well-known/smart-configuration` under the FHIR base. */
  smartConfiguration(tenant: TenantRecord): Record<string, unknown>;
  /** Throws 401 `login`. At once when the same header was good within the last second. */
  authenticate(tenant: TenantRecord, authorizationHeader: string | undefined): Caller | Promise<Caller>;
  /** To be called on every notice of the channel `hpms_access`: the next request asks the database again. */
  forget(): void;
}

const issuersMax = 500;

export function createSmart(options: Omit<IssuerContext, 'throttle'>): Smart {
  const context: IssuerContext = { ...options, throttle: createThrottle() };
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
    handler: (tenant) => async (ctx) => (await issuerOf(tenant)).handle(ctx),
    smartConfiguration: (tenant) => smartConfiguration(issuerUrls(options.publicUrl, tenant.name)),
    authenticate(tenant, header) {
      const issuer = issuerOf(tenant);
      return issuer instanceof Promise
        ? issuer.then((opened) => opened.authenticate(header))
        : issuer.authenticate(header);
    },
    forget() {
      for (const issuer of issuers.values()) if (!(issuer instanceof Promise)) issuer.forget();
    },
  };
}
