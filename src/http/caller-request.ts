// What a request adds to what is known of its caller, for AuditEvents: https://hl7.org/fhir/R4/auditevent-definitions.html#AuditEvent.agent.network

import type { IncomingMessage } from 'node:http';
import type { CallerRequest } from '../access/caller.ts';
import { clientAddress } from '../access/client-address.ts';
import type { HttpState } from './middleware/request-state.ts';

interface RequestContext {
  readonly req: IncomingMessage;
  readonly state: Pick<HttpState, 'requestId'>;
}

export function callerRequest({ req, state }: RequestContext): CallerRequest {
  const address = clientAddress(req.socket.remoteAddress);
  return { id: state.requestId, ...(address !== undefined && { address }) };
}
