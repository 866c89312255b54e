// `Account/{id}/$statement`: a patient's account as a letter, or as a FHIR document (domain.md section 4, section 6 "Statements").

import type { Resource } from '@medplum/fhirtypes';
import { may } from '../../access/may.ts';
import { newId } from '../../fhir/ids.ts';
import { fhirError, gone, notFound } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Operation, OperationCall, OperationParameter } from '../../operations/operation.ts';
import { recordOperation } from '../../operations/record-operation.ts';
import { find, read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { readLetterhead, readPatient } from '../documents/document-facts.ts';
import type { Print } from '../documents/print.ts';
import { daysOf } from '../ledger/business-day.ts';
import { readPerson } from '../ledger/same-person.ts';
import { readDebts } from './outstanding.ts';
import { readMovements, type StatementPeriod } from './statement-lines.ts';
import { type Statement, statementDocument, statementPage } from './statement-page.ts';

export interface StatementOptions {
  readonly settingsOf: SettingsOf;
  readonly print: Print;
}

const firstDay = '0001-01-01';

export function createStatement({ settingsOf, print }: StatementOptions): Operation {
  return {
    code: 'statement',
    definition: {
      id: 'Account-statement',
      url: 'https://hpms.example/fhir/OperationDefinition/Account-statement',
      name: 'Statement',
      title: 'Statement of account',
      description:
        'Gives the movements of the account of a patient in a period with the balance after each, and what is outstanding by age: as a PDF in a Binary, or as a FHIR document.',
    },
    levels: ['instance'],
    resourceTypes: ['Account'],
    affectsState: false,
    permission: 'r',
    right: '$statement',
    parameters,
    async run(session, call) {
      const settings = await settingsOf(session.trx);
      const today = localDate(session.at, settings.timezone);
      const period = periodOf(call, today);
      const statement = await readStatement(session, call, { period, today, settings });
      const place = `Account/${call.id}`;
      recordOperation(session, { request: `GET ${place}/$statement`, about: place });
      if (call.inputs.get('format')?.[0]?.value === 'json')
        return statementDocument(statement, { id: newId(session.at.getTime()), at: session.at });
      const pdf = await print({ page: statementPage(statement) });
      const resource: Resource = {
        resourceType: 'Binary',
        contentType: 'application/pdf',
        data: pdf.toString('base64'),
      };
      return { resource };
    },
  };
}

function periodOf({ inputs }: OperationCall, today: string): StatementPeriod {
  const [start, end] = ['start', 'end'].map((name) => inputs.get(name)?.[0]?.value as string | undefined);
  const period = {
    start: start === undefined ? firstDay : daysOf(start).first,
    end: end === undefined ? today : daysOf(end).last,
  };
  if (period.end < period.start) throw fhirError('invalid', 'The end of the period is before its start.');
  const format = inputs.get('format')?.[0]?.value ?? 'pdf';
  if (format !== 'pdf' && format !== 'json')
    throw fhirError('not-supported', 'format is pdf or json.', { status: 406 });
  return period;
}

interface Asked {
  readonly period: StatementPeriod;
  readonly today: string;
  readonly settings: WorkflowSettings;
}

/** Throws 422 for an account that is no patient's and 404 where there is nothing to tell. */
async function readStatement(session: Session, { id }: OperationCall, asked: Asked): Promise<Statement> {
  const isByRight = mayByRight(session.caller);
  await (isByRight ? requireThere(session, id) : read(session, 'Account', id));
  const { survivor: patient, patients } = await readPerson(session, await patientOf(session, id));
  if (isByRight) requireOwn(session.caller, patients, id);
  const { period, today, settings } = asked;
  const [movements, debts, letterhead, facts] = await Promise.all([
    readMovements(session, patients, period),
    readDebts(
      session,
      today,
      patients.map((one) => one.slice('Patient/'.length)),
    ),
    readLetterhead(session, undefined, settings.logo),
    readPatient(session, patient),
  ]);
  const isEmpty = movements.lines.length === 0 && [...movements.openingMinor.values()].every((amount) => amount === 0n);
  if (isEmpty) throw fhirError('not-found', 'Nothing was charged or paid in this account, and nothing is due.');
  return {
    patient,
    facts,
    letterhead,
    period,
    today,
    movements,
    debts,
    language: settings.language,
    timeZone: settings.timezone,
  };
}

/** Who has the right to statements needs none to Accounts for the account of a patient (domain.md section 5). */
function mayByRight(caller: Session['caller']): boolean {
  return !may(caller, 'r', 'Account') && caller.operations?.has('$statement') === true;
}

async function requireThere(session: Session, id: string): Promise<void> {
  const version = await find(session, 'Account', id);
  if (!version) throw notFound('Account', id);
  if (!version.body) throw gone('Account', id);
  session.notes?.show(version);
}

/** A patient has nobody else's statement, whatever the role says. */
function requireOwn({ kind, patient, fhirUser }: Session['caller'], patients: readonly string[], id: string): void {
  const own = patient === undefined ? fhirUser : `Patient/${patient}`;
  const isPatient = kind === 'patient' || own?.startsWith('Patient/');
  if (isPatient && !patients.includes(own ?? '')) throw notFound('Account', id);
}

async function patientOf({ trx }: Session, accountId: string): Promise<string> {
  const [row] = await trx.query<{ sub: string }>({
    name: 'patient-of-account',
    text: `SELECT sub FROM ledger_account WHERE account_id = $1 AND sub LIKE 'Patient/%'`,
    values: [accountId],
  });
  if (row) return row.sub;
  throw fhirError('business-rule', 'This Account is no account of a patient; of others there is $ledger.');
}

const input = (name: string, type: string, documentation: string): OperationParameter => {
  return { name, use: 'in', min: 0, max: 1, type, documentation };
};

const parameters: readonly OperationParameter[] = [
  input('start', 'date', 'The first business date; without it all from the beginning'),
  input('end', 'date', 'The last business date; today without it'),
  input('format', 'code', 'pdf, which is the default, or json'),
  {
    ...{ name: 'return', use: 'out', min: 1, max: 1, type: 'Resource' },
    documentation: 'A Binary with the letter, or a Bundle of type document',
  },
];
