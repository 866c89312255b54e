// Which addresses are of no public service, so that nobody can have the server ask its own network: security.md 51, 101.

import { BlockList, isIP } from 'node:net';

/** What no public service has: RFC 6890, and the addresses in which IPv6 carries those of IPv4. */
const privateRanges = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  ...[
    '::/96',
    '::ffff:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
  ],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

/** Apart, for a list takes each IPv4 address for the IPv6 address that carries it. */
const blocked = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const range of privateRanges) {
  const [net = '', prefix] = range.split('/');
  const family = familyOf(net);
  blocked[family].addSubnet(net, Number(prefix), family);
}

/** Of an IP address as Node's parsers write it. */
export function isPrivateAddress(address: string): boolean {
  const family = familyOf(address);
  return blocked[family].check(address, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
