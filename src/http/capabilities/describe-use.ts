// What a client should know and no element of the statement holds: limits, result parameters, versions.

import { isResultParameter } from '../../search/parse/result-parameters.ts';

/** R4's: https://hl7.org/fhir/R4/search.html#return */
const resultParameters = [
  ...['_sort', '_count', '_include', '_revinclude', '_summary', '_total', '_elements', '_contained', '_containedType'],
];

/** Markdown. */
export function describeUse(limits: ReadonlyMap<string, number>): string {
  const offered = resultParameters.filter(isResultParameter).map((name) => `\`${name}\``);
  const lines = [...limits].map(([what, most]) => `- ${what}: ${most.toLocaleString('en')}`);
  return [
    `Searches take ${offered.join(', ')} beside the parameters of each type.`,
    'A change may name the version it is based on (`If-Match`); every change makes a version, and none is ever changed.',
    ...(lines.length > 0 ? [`At most:\n\n${lines.join('\n')}`] : []),
  ].join('\n\n');
}
