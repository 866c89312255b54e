// The parameters that both $validate-code operations have, in R4's own words: https://hl7.org/fhir/R4/terminology-service.html

import type { OperationParameter } from './operation.ts';
import { input, output } from './terminology-inputs.ts';

export const checkParameters: readonly OperationParameter[] = [
  input(
    'date',
    'dateTime',
    'The date for which the validation should be checked. Normally, this is the current conditions (which is the default values) but under some circumstances, systems need to validate that a correct code was used at some point in the past. A typical example of this would be where code selection is constrained to the set of codes that were available when the patient was treated, not when the record is being edited. Note that which date is appropriate is a matter for implementation policy.',
  ),
  input(
    'abstract',
    'boolean',
    "If this parameter has a value of true, the client is stating that the validation is being performed in a context where a concept designated as 'abstract' is appropriate/allowed to be used, and the server should regard abstract codes as valid. If this parameter is false, abstract codes are not considered to be valid. Note that. 'abstract' is a property defined by many HL7 code systems that indicates that the concept is a logical grouping concept that is not intended to be used asa 'concrete' concept to in an actual patient/care/process record. This language is borrowed from Object Orienated theory where 'asbtract' objects are never instantiated. However in the general record and terminology eco-system, there are many contexts where it is appropraite to use these codes e.g. as decision making criterion, or when editing value sets themselves. This parameter allows a client to indicate to the server that it is working in such a context.",
  ),
  input(
    'displayLanguage',
    'code',
    'Specifies the language to be used for description when validating the display property',
  ),
  output('result', 'boolean', 'True if the concept details supplied are valid', [1, 1]),
  output(
    'message',
    'string',
    'Error details, if result = false. If this is provided when result = true, the message carries hints and warnings',
  ),
  output('display', 'string', 'A valid display for the concept if the system wishes to display this to a user'),
];
