// The AuditEvents of single requests, found by the X-Request-Id that each was sent with.

import { randomUUID } from 'node:crypto';
import type { AuditEvent, BundleEntry } from '@medplum/fhirtypes';
import { until } from '../../jobs/job-bed.ts';
import type { TestResponse, TestTenant } from '../../support/server.ts';

export type Sender = Pick<TestTenant, 'request'>;

export interface Sent {
  readonly answer: TestResponse;
  readonly requestId: string;
}

/** Sends a request that can be told from all others. */
export async function send(
  sender: Sender,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
): Promise<Sent> {
  const requestId = randomUUID();
  const answer = await sender.request(method, path, body, { 'X-Request-Id': requestId, ...headers });
  return { answer, requestId };
}

/** All of the tenant by their requests, once those of everything that was answered before are there. */
export async function allEvents(tenant: Sender): Promise<ReadonlyMap<string, readonly AuditEvent[]>> {
  // They become visible in the order in which they were stored.
  const { requestId } = await send(tenant, 'GET', '/Patient/a-marker');
  let byRequest = new Map<string, AuditEvent[]>();
  await until(async () => {
    byRequest = Map.groupBy(await newestEvents(tenant), requestIdOf);
    return byRequest.has(requestId);
  });
  return byRequest;
}

async function newestEvents(tenant: Sender): Promise<AuditEvent[]> {
  const { status, json, text } = await tenant.request('GET', '/AuditEvent?_count=1000');
  if (status !== 200) throw new Error(`AuditEvents: ${status} ${text}`);
  return (json.entry ?? []).map((entry: BundleEntry) => entry.resource as AuditEvent);
}

export function requestIdOf({ entity = [] }: AuditEvent): string {
  const request = entity.find(({ type }) => type?.code === 'XrequestId');
  return request?.what?.identifier?.value ?? '';
}

/** What it says in one line: interaction, action, outcome. */
export function gist({ subtype, action, outcome }: AuditEvent): string {
  return `${subtype?.at(-1)?.code} ${action} ${outcome}`;
}

/** `Patient/id` of those it is about, role 1. */
export function patientsOf({ entity = [] }: AuditEvent): string[] {
  return entity.filter(({ role }) => role?.code === '1').map(({ what }) => what?.reference ?? '');
}
