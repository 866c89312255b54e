// The server-owned extensions of an Encounter that waits: its number, its calls and its place (contract.md 15, domain.md SM-1b).

import type { Encounter, Extension } from '@medplum/fhirtypes';
import { calledAtUrl, queueNumberUrl, queueOrderUrl } from './visit-urls.ts';

export function queueNumberOf(encounter: Encounter | undefined): number | undefined {
  return encounter?.extension?.find(({ url }) => url === queueNumberUrl)?.valueInteger;
}

export function queueOrderOf(encounter: Encounter): number | undefined {
  return encounter.extension?.find(({ url }) => url === queueOrderUrl)?.valueInteger;
}

/** When the patient was called, each time; an instant is a time as well, and whoever sends one has called. */
export function callsOf(encounter: Encounter | undefined): string[] {
  const calls = encounter?.extension?.filter(({ url }) => url === calledAtUrl) ?? [];
  return calls.flatMap(({ valueDateTime, valueInstant }) => valueDateTime ?? valueInstant ?? []);
}

export interface QueuePlace {
  readonly number: number | undefined;
  readonly calls: readonly string[];
}

/** Puts the place into the Encounter, whatever was there of it. */
export function setPlace(encounter: Encounter, { number, calls }: QueuePlace): void {
  const others = encounter.extension?.filter(({ url }) => !owned.has(url)) ?? [];
  const place: Extension[] =
    number === undefined
      ? []
      : [
          { url: queueNumberUrl, valueInteger: number },
          { url: queueOrderUrl, valueInteger: orderOf(number, calls.length, isEmergency(encounter)) },
        ];
  const called = calls.map((valueDateTime) => ({ url: calledAtUrl, valueDateTime }));
  const extension = [...others, ...place, ...called];
  if (extension.length > 0) encounter.extension = extension;
  else delete encounter.extension;
}

const owned: ReadonlySet<string> = new Set([queueNumberUrl, queueOrderUrl, calledAtUrl]);

/** More numbers than any day has. */
const band = 1_000_000;
const callsPerSkip = 3;

/**
 * By which a queue is sorted: its number for most, before all of them in an emergency, behind all of them once called three
 * times in vain, and behind those once three times more.
 */
export function orderOf(number: number, callsCount: number, isUrgent: boolean): number {
  const skips = Math.min(Math.floor(callsCount / callsPerSkip), 500);
  return number + band * (2 * skips - (isUrgent ? 1 : 0));
}

const priorities = 'http://terminology.hl7.org/CodeSystem/v3-ActPriority';

/** https://terminology.hl7.org/CodeSystem-v3-ActPriority.html: emergency, and stat, which cannot wait either. */
export function isEmergency({ priority }: Encounter): boolean {
  return (
    priority?.coding?.some(({ system, code }) => system === priorities && (code === 'EM' || code === 'S')) ?? false
  );
}
