// The address of a client as AuditEvents have it: https://hl7.org/fhir/R4/auditevent-definitions.html#AuditEvent.agent.network.address

/** An IPv4 address on a socket that takes both is one of IPv4. Undefined where the connection is gone. */
export function clientAddress(remoteAddress: string | undefined): string | undefined {
  return remoteAddress?.startsWith('::ffff:') && remoteAddress.includes('.') ? remoteAddress.slice(7) : remoteAddress;
}
