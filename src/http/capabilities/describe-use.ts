// What a client should know and no element of the statement holds: limits, result parameters, versions.

import { candidatesMax } from '../../search/compile/candidates.ts';
import { wordsMax } from '../../search/fold-text.ts';
import { linkDepthMax, linksMax } from '../../search/parse/named.ts';
import { isResultParameter } from '../../search/parse/result-parameters.ts';
import { sortedMax } from '../../search/sort-opened.ts';
import { wordStartLength } from '../../search/token-text.ts';
import { wordTextLengthMax } from '../../search/words.ts';
import { codesMax } from '../../terminology/code-list.ts';

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
    describeLinks(),
    describeModifiers(),
    describeOrder(),
    'A change may name the version it is based on (`If-Match`); every change makes a version, and none is ever changed.',
    ...(lines.length > 0 ? [`At most:\n\n${lines.join('\n')}`] : []),
  ].join('\n\n');
}

/** R4 has no element for them: https://hl7.org/fhir/R4/search.html#chaining */
function describeLinks(): string {
  const bound = `at most ${linkDepthMax} links in one parameter and ${linksMax} in a search, each to a type that the client may search`;
  const candidates = candidatesMax.toLocaleString('en');
  return [
    `Every reference, but no canonical, can be chained (\`subject:Patient.name=\`) and followed backward (\`_has:Observation:patient:code=\`), one within the other: ${bound}.`,
    'Each parameter but composites, `_text` and `_content` takes `:missing`, each token `:not`; `_list` takes the ids of Lists, and `_filter` the operators that the kind of a parameter can answer.',
    `Whether a value is missing, and what is asked with \`_filter\` of whole texts, is decided on at most ${candidates} resources that meet the other parameters.`,
  ].join(' ');
}

/** https://hl7.org/fhir/R4/search.html#sort */
function describeOrder(): string {
  const sorted = sortedMax.toLocaleString('en');
  return `\`_sort\` by \`_id\`, \`_lastUpdated\`, dates, numbers, quantities and the statuses and priorities of work is by index; by names and whatever else is stored encrypted it takes at most ${sorted} matches. What has no value comes last. A search beyond its bounds is refused as \`too-costly\`, by the name of the part that is.`;
}

/** R4 has no element for them either: https://hl7.org/fhir/R4/search.html#modifiers */
function describeModifiers(): string {
  const count = (most: number) => most.toLocaleString('en');
  return [
    'Strings take `:exact` and `:contains`, URLs and canonicals `:above` and `:below`, identifiers `:of-type`, codes and references `:text`.',
    `Codes also take \`:in\` and \`:not-in\` of value sets, and \`:above\` and \`:below\` of code systems, that are stored or imported here or are HL7's, of at most ${count(codesMax)} codes.`,
    `Of a string the first ${wordsMax} words are searched, of a narrative and of each text in \`_content\` the first ${count(wordTextLengthMax)} characters.`,
    `\`:contains\` with fewer than three characters in a row, \`:text\` without a word of ${wordStartLength} or of references, and \`_content\` are decided on at most ${count(candidatesMax)} resources that meet the other parameters.`,
  ].join(' ');
}
