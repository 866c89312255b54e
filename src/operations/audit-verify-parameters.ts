// What `AuditEvent/$verify` takes and gives.

import type { OperationParameter } from './operation.ts';
import { input, output } from './terminology-inputs.ts';

export const auditVerifyParameters: readonly OperationParameter[] = [
  input('event', 'string', 'The AuditEvent whose inclusion is to be proven, as AuditEvent/[id] or its id.'),
  input(
    'anchor',
    'string',
    'SIZE:ROOT of a head that was kept elsewhere, the root in hexadecimal: it is shown that the tree of now began with that one.',
  ),
  input('from', 'unsignedInt', 'The first row to check, from 0 in the order of the tree; absent: the newest rows.'),
  input('count', 'positiveInt', 'How many rows are checked: 1,000, and at most 100,000.'),
  output('outcome', 'code', 'sound, different, or unsealed where it, or anything, was not sealed yet.', [1, 1]),
  output('difference', 'string', 'What is not as it was sealed, the first of it.'),
  {
    ...{ name: 'head', use: 'out', min: 0, max: 1, documentation: 'The last signed head of the clinic.' },
    parts: [
      output('size', 'decimal', 'The number of events sealed.', [1, 1]),
      output('root', 'base64Binary', 'The root of their Merkle tree.', [1, 1]),
      output(
        'previous',
        'base64Binary',
        'The hash of the head before it: SHA-256 of what was signed, and the signature.',
      ),
      output('at', 'instant', 'When it was signed.', [1, 1]),
      output('signed', 'base64Binary', 'The bytes that were signed.', [1, 1]),
      output('signature', 'base64Binary', 'Ed25519.', [1, 1]),
      output('key', 'string', 'The public key as a JWK; compare it with the one you keep.', [1, 1]),
    ],
  },
  {
    ...{ name: 'event', use: 'out', min: 0, max: 1, documentation: 'That the event is in this tree.' },
    parts: [
      output('reference', 'Reference', 'The event.', [1, 1]),
      output('leaf', 'base64Binary', 'Its hash.', [1, 1]),
      output('index', 'decimal', 'Its place in the tree, from 0.', [1, 1]),
      output('path', 'base64Binary', 'The hashes from the leaf to the root: RFC 6962, section 2.1.1.', [0, '*']),
    ],
  },
  {
    ...{
      name: 'consistency',
      use: 'out',
      min: 0,
      max: 1,
      documentation: 'That the tree grew from the one of `anchor`.',
    },
    parts: [output('path', 'base64Binary', 'The hashes of the proof: RFC 6962, section 2.1.2.', [0, '*'])],
  },
  {
    ...{ name: 'checked', use: 'out', min: 0, max: 1, documentation: 'The rows that were checked.' },
    parts: [output('from', 'decimal', 'The first.', [1, 1]), output('to', 'decimal', 'Behind the last.', [1, 1])],
  },
  output('next', 'decimal', 'The `from` that goes on, where rows are left.'),
  output('waiting', 'decimal', 'Events that are too young to be sealed.'),
];
