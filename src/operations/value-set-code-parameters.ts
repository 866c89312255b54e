// The parameters of $validate-code of a value set, in R4's own words: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import { checkParameters } from './check-parameters.ts';
import type { OperationParameter } from './operation.ts';
import { input } from './terminology-inputs.ts';

export const valueSetCodeParameters: readonly OperationParameter[] = [
  input(
    'url',
    'uri',
    "Value set Canonical URL. The server must know the value set (e.g. it is defined explicitly in the server's value sets, or it is defined implicitly by some code system known to the server",
  ),
  input(
    'context',
    'uri',
    'The context of the value set, so that the server can resolve this to a value set to validate against. The recommended format for this URI is [Structure Definition URL]#[name or path into structure definition] e.g. http://hl7.org/fhir/StructureDefinition/observation-hspc-height-hspcheight#Observation.interpretation. Other forms may be used but are not defined. This form is only usable if the terminology server also has access to the conformance registry that the server is using, but can be used to delegate the mapping from an application context to a binding at run-time',
  ),
  input(
    'valueSet',
    'ValueSet',
    'The value set is provided directly as part of the request. Servers may choose not to accept value sets in this fashion. This parameter is used when the client wants the server to expand a value set that is not stored on the server',
  ),
  input(
    'valueSetVersion',
    'string',
    'The identifier that is used to identify a specific version of the value set to be used when validating the code. This is an arbitrary value managed by the value set author and is not expected to be globally unique. For example, it might be a timestamp (e.g. yyyymmdd) if a managed version is not available.',
  ),
  input(
    'code',
    'code',
    'The code that is to be validated. If a code is provided, a system or a context must be provided (if a context is provided, then the server SHALL ensure that the code is not ambiguous without a system)',
  ),
  input('system', 'uri', 'The system for the code that is to be validated'),
  input('systemVersion', 'string', 'The version of the system, if one was provided in the source data'),
  input(
    'display',
    'string',
    'The display associated with the code, if provided. If a display is provided a code must be provided. If no display is provided, the server cannot validate the display value, but may choose to return a recommended display name using the display parameter in the outcome. Whether displays are case sensitive is code system dependent',
  ),
  input('coding', 'Coding', 'A coding to validate'),
  input(
    'codeableConcept',
    'CodeableConcept',
    'A full codeableConcept to validate. The server returns true if one of the coding values is in the value set, and may also validate that the codings are not in conflict with each other if more than one is present',
  ),
  ...checkParameters,
];
