// Which addresses the server never asks, whoever wants it, and that it asks the others (security.md 51, 101)

import { expect, test } from '@jest/globals';
import { isPrivateAddress } from '../../src/gateways/private-address.ts';

test.each([
  ...[
    '127.0.0.1',
    '10.0.0.7',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
  ],
  ...['224.0.0.1', '255.255.255.255', '198.51.100.7', '::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  ...[
    '::ffff:8.8.8.8',
    '64:ff9b::a00:7',
    '2002:7f00:1::',
    '2001:db8::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'ff02::1',
  ],
])('%s is of no public service', (address) => expect(isPrivateAddress(address)).toBe(true));

test.each(['8.8.8.8', '93.184.215.14', '172.32.0.1', '11.0.0.1', '2606:4700::1111', '2a00:1450:4001:82b::200e'])(
  '%s may be',
  (address) => expect(isPrivateAddress(address)).toBe(false),
);
