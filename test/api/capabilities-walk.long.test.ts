// Whatever the CapabilityStatement declares, of all types, gives the right result: https://hl7.org/fhir/R4/capabilitystatement.html

import { walkCapabilities } from './walk-capabilities.ts';

walkCapabilities(() => true);
