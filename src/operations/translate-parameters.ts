// The parameters of $translate, in R4's own words: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import type { OperationParameter } from './operation.ts';
import { input, output } from './terminology-inputs.ts';

export const translateParameters: readonly OperationParameter[] = [
  input(
    'url',
    'uri',
    "A canonical URL for a concept map. The server must know the concept map (e.g. it is defined explicitly in the server's concept maps, or it is defined implicitly by some code system known to the server.",
  ),
  input(
    'conceptMap',
    'ConceptMap',
    'The concept map is provided directly as part of the request. Servers may choose not to accept concept maps in this fashion.',
  ),
  input(
    'conceptMapVersion',
    'string',
    'The identifier that is used to identify a specific version of the concept map to be used for the translation. This is an arbitrary value managed by the concept map author and is not expected to be globally unique. For example, it might be a timestamp (e.g. yyyymmdd) if a managed version is not available.',
  ),
  input('code', 'code', 'The code that is to be translated. If a code is provided, a system must be provided'),
  input('system', 'uri', 'The system for the code that is to be translated'),
  input('version', 'string', 'The version of the system, if one was provided in the source data'),
  input(
    'source',
    'uri',
    'Identifies the value set used when the concept (system/code pair) was chosen. May be a logical id, or an absolute or relative location. The source value set is an optional parameter because in some cases, the client cannot know what the source value set is. However, without a source value set, the server may be unable to safely identify an applicable concept map, and would return an error. For this reason, a source value set SHOULD always be provided. Note that servers may be able to identify an appropriate concept map without a source value set if there is a full mapping for the entire code system in the concept map, or by manual intervention',
  ),
  input('coding', 'Coding', 'A coding to translate'),
  input(
    'codeableConcept',
    'CodeableConcept',
    'A full codeableConcept to validate. The server can translate any of the coding values (e.g. existing translations) as it chooses',
  ),
  input(
    'target',
    'uri',
    "Identifies the value set in which a translation is sought. May be a logical id, or an absolute or relative location. If there's no target specified, the server should return all known translations, along with their source",
  ),
  input(
    'targetsystem',
    'uri',
    'identifies a target code system in which a mapping is sought. This parameter is an alternative to the target parameter - only one is required. Searching for any translation to a target code system irrespective of the context (e.g. target valueset) may lead to unsafe results, and it is at the discretion of the server to decide when to support this operation',
  ),
  {
    name: 'dependency',
    use: 'in',
    min: 0,
    max: '*',
    documentation: 'Another element that may help produce the correct mapping',
    parts: [
      input('element', 'uri', 'The element for this dependency'),
      input('concept', 'CodeableConcept', 'The value for this dependency'),
    ],
  },
  input(
    'reverse',
    'boolean',
    'if this is true, then the operation should return all the codes that might be mapped to this code. This parameter reverses the meaning of the source and target parameters',
  ),
  output(
    'result',
    'boolean',
    'True if the concept could be translated successfully. The value can only be true if at least one returned match has an equivalence which is not unmatched or disjoint',
    [1, 1],
  ),
  output(
    'message',
    'string',
    'Error details, for display to a human. If this is provided when result = true, the message carries hints and warnings (e.g. a note that the matches could be improved by providing additional detail)',
  ),
  {
    name: 'match',
    use: 'out',
    min: 0,
    max: '*',
    documentation:
      'A concept in the target value set with an equivalence. Note that there may be multiple matches of equal or differing equivalence, and the matches may include equivalence values that mean that there is no match',
    parts: [
      output(
        'equivalence',
        'code',
        'A code indicating the equivalence of the translation, using values from [ConceptMapEquivalence](valueset-concept-map-equivalence.html)',
      ),
      output(
        'concept',
        'Coding',
        'The translation outcome. Note that this would never have userSelected = true, since the process of translations implies that the user is not selecting the code (and only the client could know differently)',
      ),
      {
        name: 'product',
        use: 'out',
        min: 0,
        max: '*',
        documentation: 'Another element that is the product of this mapping',
        parts: [
          output('element', 'uri', 'The element for this product'),
          output('concept', 'Coding', 'The value for this product'),
        ],
      },
      output('source', 'uri', 'The canonical reference to the concept map from which this mapping comes from'),
    ],
  },
];
