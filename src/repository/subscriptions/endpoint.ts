// Which endpoints a Subscription may name: by TLS, on the public network, at the ports of web servers (security.md 101). A name may
// lead elsewhere later, so whoever delivers looks at its address again (gateways/outbound-fetch.ts).

import { isIP } from 'node:net';
import { isPrivateAddress } from '../../gateways/private-address.ts';

const ports: ReadonlySet<string> = new Set(['', '443', '8443']);
/** Of no public service: RFC 6761, RFC 6762, RFC 8375, and the name that ICANN keeps for private networks. */
const privateNames = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;

/** Why nothing may be sent there; undefined where it may, or where there is no endpoint. */
export function endpointProblem(endpoint: string | undefined, allowedHosts: ReadonlySet<string>): string | undefined {
  if (endpoint === undefined) return undefined;
  if (!URL.canParse(endpoint)) return 'the endpoint is no URL';
  const { protocol, hostname, port, username, password } = new URL(endpoint);
  if (username !== '' || password !== '') return 'the endpoint holds a user; a header may say who asks';
  const isAllowed = allowedHosts.has(hostname);
  if (protocol !== 'https:' && !(isAllowed && protocol === 'http:')) return 'the endpoint is not asked by TLS';
  if (isAllowed) return undefined;
  if (!ports.has(port)) return 'the endpoint has another port than 443 and 8443';
  return isPublic(hostname) ? undefined : 'the endpoint is not on the public network';
}

function isPublic(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return !isPrivateAddress(address);
  const name = hostname.replace(/\.$/, '');
  return name.includes('.') && !privateNames.test(name);
}
