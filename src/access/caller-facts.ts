// A caller as AuditEvents tell of it, once for all requests of a token: https://hl7.org/fhir/R4/auditevent-definitions.html#AuditEvent.agent

import type { CallerFacts } from './access-facts.ts';
import { type Caller, callerAtRest } from './caller.ts';

const known = new WeakMap<Caller, CallerFacts>();

export function callerFacts(inRequest: Caller): CallerFacts {
  const caller = callerAtRest(inRequest);
  const found = known.get(caller);
  if (found) return found;
  const { kind, clientId, agent, fhirUser, patient, accountId, purposeOfUse, roles } = caller;
  const { reference, display } = agent;
  const facts: CallerFacts = {
    ...{ kind, clientId, display },
    ...(reference !== undefined && { reference }),
    ...(fhirUser !== undefined && { fhirUser }),
    ...(patient !== undefined && { patient }),
    ...(accountId !== undefined && { accountId }),
    ...(purposeOfUse !== undefined && { purposeOfUse }),
    ...(roles.size > 0 && { roles: [...roles] }),
  };
  known.set(caller, facts);
  return facts;
}
