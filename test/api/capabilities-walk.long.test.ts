// What the CapabilityStatement declares of every type gives the right result: https://hl7.org/fhir/R4/capabilitystatement.html

import './walk-capabilities.ts';
