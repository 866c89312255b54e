// Whatever the CapabilityStatement declares of a third of the types gives the right result; of all: capabilities-walk.long.test.ts.

import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { walkCapabilities } from './walk-capabilities.ts';

/** With rules, tables or a history of their own. */
const clinic = [
  'Appointment',
  'AuditEvent',
  'Basic',
  'Binary',
  'Encounter',
  'Invoice',
  'Observation',
  'Patient',
  'Slot',
];
const everyThird = [...loadDefinitions().resourceTypes].filter((_type, index) => index % 3 === 0);
const walked = new Set([...clinic, ...everyThird]);

walkCapabilities((type) => walked.has(type));
