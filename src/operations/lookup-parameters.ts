// The parameters of $lookup, in R4's own words: https://hl7.org/fhir/R4/codesystem-operation-lookup.html

import type { OperationParameter } from './operation.ts';
import { input, output } from './terminology-inputs.ts';

export const lookupParameters: readonly OperationParameter[] = [
  input('code', 'code', 'The code that is to be located. If a code is provided, a system must be provided'),
  input('system', 'uri', 'The system for the code that is to be located'),
  input('version', 'string', 'The version of the system, if one was provided in the source data'),
  input('coding', 'Coding', 'A coding to look up'),
  input(
    'date',
    'dateTime',
    'The date for which the information should be returned. Normally, this is the current conditions (which is the default value) but under some circumstances, systems need to acccess this information as it would have been in the past. A typical example of this would be where code selection is constrained to the set of codes that were available when the patient was treated, not when the record is being edited. Note that which date is appropriate is a matter for implementation policy.',
  ),
  input('displayLanguage', 'code', 'The requested language for display (see $expand.displayLanguage)'),
  input(
    'property',
    'code',
    'A property that the client wishes to be returned in the output. If no properties are specified, the server chooses what to return. The following properties are defined for all code systems: url, name, version (code system info) and code information: display, definition, designation, parent and child, and for designations, lang.X where X is a designation language code. Some of the properties are returned explicit in named parameters (when the names match), and the rest (except for lang.X) in the property parameter group',
    '*',
  ),
  output('name', 'string', 'A display name for the code system', [1, 1]),
  output('version', 'string', 'The version that these details are based on'),
  output('display', 'string', 'The preferred display for this concept', [1, 1]),
  {
    name: 'designation',
    use: 'out',
    min: 0,
    max: '*',
    documentation: 'Additional representations for this concept',
    parts: [
      output('language', 'code', 'The language this designation is defined for'),
      output('use', 'Coding', 'A code that details how this designation would be used'),
      output('value', 'string', 'The text value for this designation', [1, 1]),
    ],
  },
  {
    name: 'property',
    use: 'out',
    min: 0,
    max: '*',
    documentation:
      'One or more properties that contain additional information about the code, including status. For complex terminologies (e.g. SNOMED CT, LOINC, medications), these properties serve to decompose the code',
    parts: [
      output('code', 'code', 'Identifies the property returned', [1, 1]),
      output('value', 'Element', 'The value of the property returned'),
      output('description', 'string', 'Human Readable representation of the property value (e.g. display for a code)'),
      {
        name: 'subproperty',
        use: 'out',
        min: 0,
        max: '*',
        documentation: 'Nested Properties (mainly used for SNOMED CT decomposition, for relationship Groups)',
        parts: [
          output('code', 'code', 'Identifies the sub-property returned', [1, 1]),
          output('value', 'Element', 'The value of the sub-property returned', [1, 1]),
          output(
            'description',
            'string',
            'Human Readable representation of the property value (e.g. display for a code)',
          ),
        ],
      },
    ],
  },
];
