// The parameters of `$explain`, as its OperationDefinition lists them.

import type { OperationParameter } from '../operation.ts';

const out = (name: string, type: string, max: 1 | '*', documentation: string, min = max === 1 ? 1 : 0) =>
  ({ name, use: 'out', min, max, type, documentation }) as const;

const numbers = [
  out('cost', 'decimal', 1, 'Estimated, in the units of PostgreSQL, to one digit.'),
  out('rows', 'decimal', 1, 'Estimated, to one digit: no estimate rests on the data of one tenant alone.'),
];

const node: OperationParameter = {
  name: 'node',
  use: 'out',
  min: 0,
  max: '*',
  documentation: 'One node of the plan, from the top down.',
  parts: [
    out('type', 'string', 1, 'As PostgreSQL names it, such as Index Scan.'),
    out('step', 'string', 1, 'The step of the statement it belongs to; absent for the last one.', 0),
    out('relation', 'string', 1, 'The table it reads.', 0),
    out('index', 'string', 1, 'The index it reads.', 0),
    ...numbers,
  ],
};

const statement: OperationParameter = {
  name: 'statement',
  use: 'out',
  min: 0,
  max: '*',
  documentation: 'A statement that the search would send, with its plan for the caller, whatever the values are.',
  parts: [
    out(
      'purpose',
      'code',
      1,
      'part (decided ahead), page, fallback (when the first finds too much), include, total, or other.',
    ),
    out(
      'shape',
      'code',
      1,
      'candidates-first (by an index, then tested and sorted), linked-sets-first (from the linked resources back), walk (along an index in the order of the page), references (of a compartment), or plain.',
    ),
    out('startsFrom', 'string', '*', 'The index it begins with.'),
    ...numbers,
    out('index', 'string', '*', 'Each index it reads.'),
    out('sequentialScan', 'string', '*', 'Each table that it reads without an index.'),
    node,
    out('plan', 'string', 1, 'As PostgreSQL prints it, without costs; values are $1, $2 and so on.'),
  ],
};

export const explainParameters: readonly OperationParameter[] = [
  {
    name: 'query',
    use: 'in',
    min: 0,
    max: 1,
    type: 'string',
    documentation: 'The search, as it stands behind the question mark. With GET it is the query of the URL itself.',
  },
  {
    name: 'type',
    use: 'in',
    min: 0,
    max: 1,
    type: 'code',
    documentation: 'In a compartment: the type that is searched, as in Patient/[id]/Observation; absent = all (`*`).',
  },
  out('understood', 'string', 1, 'The self link of the search, without its values; absent when it is refused.', 0),
  {
    name: 'parameter',
    use: 'out',
    min: 0,
    max: '*',
    documentation: 'A parameter of the search, in its place.',
    parts: [
      out('name', 'string', 1, 'As it was given.'),
      out(
        'answeredBy',
        'code',
        '*',
        'index (finds what meets it), test (of entries of what others find), recheck (resources are opened), answer (it shapes the answer only), or refused.',
        1,
      ),
      out('note', 'string', '*', 'Why, and what to change.'),
    ],
  },
  out('total', 'code', 1, 'none, estimate or accurate; absent when the search is refused.', 0),
  statement,
  {
    name: 'bound',
    use: 'out',
    min: 0,
    max: '*',
    documentation: 'Beyond it the search is too costly.',
    parts: [out('of', 'string', 1, 'What is bounded.'), out('most', 'integer', 1, 'How many at most.')],
  },
  out('outcome', 'OperationOutcome', 1, 'Why the search would be refused, or what it leaves out.', 0),
];
