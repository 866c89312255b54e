// The parameters of $validate-code of a code system, in R4's own words: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html

import { checkParameters } from './check-parameters.ts';
import type { OperationParameter } from './operation.ts';
import { input } from './terminology-inputs.ts';

export const codeSystemCodeParameters: readonly OperationParameter[] = [
  input(
    'url',
    'uri',
    "CodeSystem URL. The server must know the code system (e.g. it is defined explicitly in the server'scode systems, or it is known implicitly by the server",
  ),
  input(
    'codeSystem',
    'CodeSystem',
    'The codeSystem is provided directly as part of the request. Servers may choose not to accept code systems in this fashion. This parameter is used when the client wants the server to check against a code system that is not stored on the server',
  ),
  input('code', 'code', 'The code that is to be validated'),
  input('version', 'string', 'The version of the code system, if one was provided in the source data'),
  input(
    'display',
    'string',
    'The display associated with the code, if provided. If a display is provided a code must be provided. If no display is provided, the server cannot validate the display value, but may choose to return a recommended display name in an extension in the outcome. Whether displays are case sensitive is code system dependent',
  ),
  input('coding', 'Coding', 'A coding to validate. The system must match the specified code system'),
  input(
    'codeableConcept',
    'CodeableConcept',
    'A full codeableConcept to validate. The server returns true if one of the coding values is in the code system, and may also validate that the codings are not in conflict with each other if more than one is present',
  ),
  ...checkParameters,
];
