// What the pages of an account are asked and answer, without any web framework, and where a form must come from (security.md 59).

import { fhirError } from '../../fhir/outcome.ts';
import type { TenantRecord } from '../../tenants/registry.ts';
import { pageHeaders } from '../pages/page-headers.ts';
import { type PageView, renderPage } from '../pages/pages.ts';
import type { PageNotes } from '../people-on-record.ts';
import { issuerUrls } from '../urls.ts';
import type { CurrentSession } from './session.ts';

export interface AccountRequest {
  readonly tenant: TenantRecord;
  readonly method: string;
  /** Below `/t/{tenant}/account`: empty, or `/password`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Empty unless the method is POST. */
  readonly form: URLSearchParams;
  /** The headers `Origin` and `Sec-Fetch-Site`. */
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  /** The address it came from, as `networkOf` gives it. */
  readonly network: string;
  /** The whole of it, for AuditEvents; absent where the connection is gone. */
  readonly address: string | undefined;
  readonly currentSession: CurrentSession;
  /** To be filled in, for the record of what is refused. */
  readonly notes: PageNotes;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent in a redirect. */
  readonly html?: string;
}

export interface PageSite {
  readonly publicUrl: string;
  /** IANA zone of the times in the page. */
  readonly timeZone?: string;
}

/** The path under which the tenant's pages are, such as `/t/a`. */
export function basePathOf({ publicUrl }: PageSite, { tenant }: AccountRequest): string {
  return issuerUrls(publicUrl, tenant.name).basePath;
}

export function answerPage(site: PageSite, request: AccountRequest, view: PageView, status = 200): PageAnswer {
  const { display } = request.tenant;
  const html = renderPage(view, {
    ...{ tenantDisplay: display, basePath: basePathOf(site, request), language: 'en' },
    ...(site.timeZone === undefined ? {} : { timeZone: site.timeZone }),
  });
  return { status, headers: pageHeaders(), html };
}

/** With GET, whatever the method was: RFC 9110 section 15.4.4. */
export function redirect(location: string): PageAnswer {
  return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' } };
}

/** Throws 403 for a form that another site has sent: browsers say so in one header or the other. */
export function requireOwnForm({ publicUrl }: PageSite, { origin, fetchSite }: AccountRequest): void {
  const isOwn =
    fetchSite === undefined
      ? origin === undefined || origin === new URL(publicUrl).origin
      : fetchSite === 'same-origin';
  if (!isOwn)
    throw fhirError('forbidden', `This form was not sent from a page of this server, which is at ${publicUrl}.`);
}

/** A member of a form or query that counts only when it is there once. */
export function oneValue(values: URLSearchParams, name: string): string {
  const [value = '', ...others] = values.getAll(name);
  return others.length === 0 ? value : '';
}
