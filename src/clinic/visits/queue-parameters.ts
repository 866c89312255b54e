// What `Encounter/$queue` takes and gives, as data: https://hl7.org/fhir/R4/operationdefinition.html

import type { OperationParameter } from '../../operations/operation.ts';

export const queueParameters: readonly OperationParameter[] = [
  {
    name: 'practitioner',
    use: 'in',
    min: 1,
    max: 1,
    type: 'string',
    documentation: 'Whose queue it is: `Practitioner/[id]` or `PractitionerRole/[id]`.',
  },
  {
    name: 'date',
    use: 'in',
    min: 0,
    max: 1,
    type: 'date',
    documentation: "The day, where the visits take place; absent, today in the clinic's time zone.",
  },
  {
    name: 'return',
    use: 'out',
    min: 1,
    max: 1,
    type: 'Bundle',
    documentation: 'A searchset of the Encounters, the next one first.',
  },
];
