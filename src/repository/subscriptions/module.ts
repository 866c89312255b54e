// Where a Subscription wants to be told, and with which secrets: refused and sealed when it is written, for it stays valid until it
// is delivered: https://hl7.org/fhir/R4/subscription.html, security.md 101 and 104.

import type { Subscription } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../change.ts';
import type { Module, Rule } from '../module.ts';
import { endpointProblem } from './endpoint.ts';
import { headerProblem, sealHeaders } from './headers.ts';

export interface SubscriptionsOptions {
  /** Names that may be asked wherever they lead, and without TLS. */
  readonly allowedHosts: ReadonlySet<string>;
}

const type = 'Subscription';

/** R4's other channels are no calls to an address that somebody chose. */
const calling: ReadonlySet<string | undefined> = new Set(['rest-hook', 'message']);
const headersMax = 20;

export function createSubscriptionsModule({ allowedHosts }: SubscriptionsOptions): Module {
  const checkChannels: Rule<void> = {
    name: 'channels',
    type,
    run(changes) {
      for (const change of changes) {
        if (!change.resource) continue;
        const { type: kind, endpoint, header = [] } = (change.resource as Subscription).channel;
        const problem = calling.has(kind) ? endpointProblem(endpoint, allowedHosts) : undefined;
        if (problem !== undefined) throw refused(change, problem, 'endpoint');
        if (header.length > headersMax) throw refused(change, `more than ${headersMax} headers`, 'header');
        for (const line of header) {
          const fault = headerProblem(line);
          if (fault !== undefined) throw refused(change, fault, 'header');
        }
      }
    },
  };
  return { name: 'subscriptions', prepare: [keepSecrets], guards: [checkChannels] };
}

const keepSecrets: Rule<void> = {
  name: 'channel-secrets',
  type,
  run(changes, { cipher }) {
    for (const change of changes) {
      const fault = change.resource && sealHeaders(change, cipher);
      if (fault !== undefined) throw refused(change, fault, 'header');
    }
  },
};

function refused({ index }: Change, problem: string, element: 'endpoint' | 'header') {
  return fhirError('business-rule', `A Subscription is not told so: ${problem}.`, {
    ...{ status: 422, expression: `Subscription.channel.${element}`, writeIndex: index },
  });
}
