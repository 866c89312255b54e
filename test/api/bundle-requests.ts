// Bundles as tests send them, and their answers taken apart.

import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import type { TestResponse, TestTenant } from '../support/server.ts';

export type Entry = Partial<BundleEntry> | unknown;

export function sendBundle(
  tenant: TestTenant,
  type: 'transaction' | 'batch',
  entry: readonly Entry[],
  headers?: Record<string, string>,
): Promise<TestResponse> {
  return tenant.request('POST', '', { resourceType: 'Bundle', type, entry }, headers);
}

export function postEntry(resource: Partial<Resource> | object, fullUrl?: string): BundleEntry {
  const { resourceType } = resource as Resource;
  return {
    ...(fullUrl === undefined ? {} : { fullUrl }),
    resource: resource as Resource,
    request: { method: 'POST', url: resourceType },
  };
}

export function putEntry(resource: object, extra: object = {}): BundleEntry {
  const { resourceType, id } = resource as Resource;
  return { resource: resource as Resource, request: { method: 'PUT', url: `${resourceType}/${id}`, ...extra } };
}

export function getEntry(url: string): BundleEntry {
  return { request: { method: 'GET', url } };
}

export function deleteEntry(url: string, extra: object = {}): BundleEntry {
  return { request: { method: 'DELETE', url, ...extra } };
}

/** `201`, `204`, ... of each entry of an answer. */
export function statusesOf(answer: TestResponse): string[] {
  return answer.json.entry.map((entry: BundleEntry) => entry.response?.status.slice(0, 3));
}

/** `Type/id` of an entry's new version. */
export function placeOf(answer: TestResponse, index: number): string {
  const location = answer.json.entry[index].response.location as string;
  return location.replace(/^.*\/fhir\//, '').replace(/\/_history\/.*$/, '');
}

/** All expressions of an OperationOutcome. */
export function expressionsOf(answer: TestResponse): string[] {
  return answer.json.issue.flatMap((issue: { expression?: string[] }) => issue.expression ?? []);
}
