// Facts of every kind of access, as the door notes them.

import fc from 'fast-check';
import type { AccessFacts, CallerFacts } from '../../src/access/access-facts.ts';

export const staffFacts: CallerFacts = {
  ...{ kind: 'staff', clientId: 'app', reference: 'Practitioner/p1', display: 'Dr. Karl Arzt', accountId: 'account-1' },
  ...{ fhirUser: 'Practitioner/p1', purposeOfUse: 'TREAT' },
};
export const clientFacts: CallerFacts = {
  ...{ kind: 'client', clientId: 'kiosk', reference: 'Device/kiosk', display: 'Kiosk', fhirUser: 'Practitioner/p2' },
};
const patientFacts: CallerFacts = {
  ...{ kind: 'patient', clientId: 'app', reference: 'Patient/p1', display: 'Eva Muster', fhirUser: 'Patient/p1' },
  ...{ patient: 'p1', accountId: 'account-2' },
};

export const readFacts: AccessFacts = {
  ...{ id: '01890a5d-ac96-774b-bcce-b302099a8057', recordedMs: Date.UTC(2026, 10, 20), interaction: 'read' },
  ...{ method: 'GET', path: 'Observation/o1', query: '', caller: staffFacts, address: '192.0.2.7' },
  ...{ requestId: 'request-1', outcome: '0', status: 200, answered: ['Observation/o1/_history/3'] },
  patients: ['Patient/p1'],
};

const plain = { answered: undefined, patients: [] as readonly string[] };
/** `[interaction, method, path, query]` */
const requests = [
  ['read', 'GET', 'Observation/o1', ''],
  ['vread', 'GET', 'Patient/p1/_history/2', ''],
  ['history-instance', 'GET', 'Patient/p1/_history', '_count=2'],
  ['history-type', 'GET', 'Observation/_history', ''],
  ['history-system', 'GET', '_history', ''],
  ['search-type', 'GET', 'Observation', 'code=1&subject=Patient/p1'],
  ['search-type', 'POST', 'Patient/_search', 'family=Mu%C3%9Fter'],
  ['search-system', 'GET', '', '_type=Patient'],
  ['search-compartment', 'GET', 'Patient/p1/Observation', ''],
  ['search-compartment', 'GET', 'Patient/p1/*', ''],
  ['operation', 'POST', 'Patient/$match', ''],
  ['operation', 'GET', 'Patient/p1/$everything', ''],
  ['operation', 'GET', '$export', '_since=2026'],
  ['operation', 'GET', 'Account/a1/$statement', ''],
  ['create', 'POST', 'Patient', ''],
  ['update', 'PUT', 'Patient/p1', ''],
  ['patch', 'PATCH', 'Patient/p1', ''],
  ['delete', 'DELETE', 'Patient/p1', ''],
  ['delete', 'DELETE', 'Patient', 'identifier=1'],
  ['transaction', 'POST', '', ''],
  ['batch', 'POST', '', ''],
  [undefined, 'GET', 'Pat|ient/../x', '<script>'],
  [undefined, 'TRACE', 'metadata', ''],
] as const;

const anyRequest = fc.constantFrom(...requests);
const anyCaller = fc.constantFrom(staffFacts, clientFacts, patientFacts, undefined);
const anyRefusal = fc.constantFrom(
  { outcome: '4' as const, status: 403, issue: 'forbidden' },
  { outcome: '4' as const, status: 404 },
  { outcome: '8' as const, status: 503, issue: 'transient' },
);
const done = { outcome: '0' as const, status: 200 };
const answers = fc.constantFrom([], ['Observation/o1/_history/3'], ['Patient/p1/_history/1', 'Patient/p2/_history/4']);
const anyPatients = fc.constantFrom([], ['Patient/p1'], ['Patient/p1', 'Patient/p2']);
const whence = fc.record(
  { address: fc.constantFrom('192.0.2.7', '2001:db8::7'), requestId: fc.uuid() },
  { requiredKeys: [] },
);

/** What can be done without being refused has an interaction. */
export const anyFacts: fc.Arbitrary<AccessFacts> = fc
  .record({ request: anyRequest, caller: anyCaller, refusal: anyRefusal, isRefused: fc.boolean(), answered: answers })
  .chain(({ request, caller, refusal, isRefused, answered }) =>
    fc.record({ whence, patients: anyPatients, entry: fc.constantFrom(undefined, 0, 999) }).map((rest): AccessFacts => {
      const [interaction, method, path, query] = request;
      const isOver = isRefused || interaction === undefined || !caller;
      return {
        ...{ id: readFacts.id, recordedMs: readFacts.recordedMs, method, path, query },
        ...(interaction && { interaction }),
        ...(caller && { caller }),
        ...rest.whence,
        ...(isOver ? refusal : { ...done, answered }),
        ...(rest.entry !== undefined && { entry: rest.entry }),
        patients: isOver ? plain.patients : rest.patients,
      };
    }),
  );
