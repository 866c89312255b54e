// AuditEvents of one caller's reads differ in few values: all else of them is built, made JSON and looked through for tokens once.

import { buildAccessAudit, patientsOf } from '../../access/access-audit.ts';
import type { AccessFacts, CallerFacts } from '../../access/access-facts.ts';
import { type CompressedForm, compressForm, type Slot, type TextForm } from '../../crypto/compressed-form.ts';
import { newId } from '../../fhir/ids.ts';
import { type AuditRow, auditRow, sealedRow } from '../../repository/audit-rows.ts';
import { groupedTokensOf, type SharedPart, sharedParts } from '../../repository/audit-tokens.ts';
import type { Repository, Session } from '../../repository/session.ts';

/** The AuditEvent of a read, without its values. */
interface EventForm extends TextForm {
  readonly shared: readonly SharedPart[];
  readonly compressed: CompressedForm | undefined;
}

/** What is other in each. */
interface Values {
  readonly id: string;
  /** An instant. */
  readonly recorded: string;
  readonly requestId: string;
  /** The id of what was read, of the type that the form has. */
  readonly subject: string;
  readonly version: string | undefined;
  /** `Patient/id`, each once. */
  readonly patients: readonly string[];
}

/** Of callers, by all that is not among the values; undefined where an event of it has no such form. */
const ofCallers = new WeakMap<CallerFacts, Map<string, EventForm | undefined>>();
const formsMax = 500;

type Recording = Pick<Session, 'cipher' | 'extract'> & { readonly repository: Pick<Repository, 'site'> };

/** The same row as of `buildAccessAudit(facts)`, whatever they tell. */
export function accessRow(session: Recording, facts: AccessFacts): AuditRow {
  const { site } = session.repository;
  const values = facts.caller && valuesOf(facts);
  const form = values && formOf(facts.caller, facts, values, site);
  if (!form) return auditRow(session, buildAccessAudit(facts, site));
  const tokens = groupedTokensOf(session, form.shared, [...(facts.answered ?? []), ...values.patients]);
  const texts = textsOf(values);
  return sealedRow(session, facts.id, form.compressed?.filled(texts) ?? filled(form, texts), tokens);
}

/** What JSON holds as it is. */
const plain = /^[\w\-.:]+$/;
const patientNamed = /^Patient\/[\w\-.:]+$/;
const versionRead = /^[A-Za-z]+\/([\w\-.]+)(?:\/_history\/(\w+))?$/;

/** Of a read of one version, by itself, that was answered. */
function valuesOf(facts: AccessFacts): Values | undefined {
  const { id, recordedMs, interaction, outcome, entry, requestId, answered: [answered, ...others] = [] } = facts;
  if ((interaction !== 'read' && interaction !== 'vread') || outcome !== '0' || entry !== undefined) return undefined;
  if (answered === undefined || others.length > 0 || requestId === undefined || !plain.test(requestId))
    return undefined;
  const [, subject, version] = versionRead.exec(answered) ?? [];
  const patients = patientsOf(facts);
  if (subject === undefined || !patients.every((patient) => patientNamed.test(patient))) return undefined;
  return { id, recorded: new Date(recordedMs).toISOString(), requestId, subject, version, patients };
}

const patientPath = 'Patient/';
const instantLength = '1970-01-01T00:00:00.000Z'.length;

function formOf(
  caller: CallerFacts,
  facts: AccessFacts,
  values: Values,
  site: string | undefined,
): EventForm | undefined {
  const { interaction, status, address, answered: [answered = ''] = [] } = facts;
  const { subject, version, patients } = values;
  const type = answered.slice(0, answered.indexOf('/'));
  const itself = type === 'Patient' ? patients.indexOf(patientPath + subject) : -1;
  const forms = ofCallers.get(caller) ?? new Map<string, EventForm | undefined>();
  ofCallers.set(caller, forms);
  const key = `${interaction} ${status} ${type} ${itself} ${version?.length} ${patients.length} ${address} ${site}`;
  if (forms.has(key)) return forms.get(key);
  if (forms.size >= formsMax) forms.clear();
  const form = makeForm(facts, values, { type, itself }, site);
  forms.set(key, form);
  return form;
}

/** Built with marks in the place of the values, and kept only where it gives the very event that these facts are to become. */
function makeForm(
  facts: AccessFacts,
  values: Values,
  { type, itself }: { readonly type: string; readonly itself: number },
  site: string | undefined,
): EventForm | undefined {
  const patients = values.patients.map(() => patientPath + newId(0));
  const subject = patients[itself]?.slice(patientPath.length) ?? newId(0);
  const version = values.version === undefined ? undefined : newId(0);
  const [id, requestId, recorded] = [newId(0), newId(0), new Date(0).toISOString()];
  const texts = textsOf({ id, recorded, requestId, subject, version, patients });
  const marked: AccessFacts = {
    ...{ ...facts, id, recordedMs: 0, requestId, path: '', query: '' },
    answered: [`${type}/${subject}${version === undefined ? '' : `/_history/${version}`}`],
    patients,
  };
  const event = buildAccessAudit(marked, site);
  const parts = JSON.stringify(event).split(new RegExp(`(${texts.join('|')})`));
  const form: TextForm = {
    pieces: parts.filter((_, index) => index % 2 === 0),
    order: parts.filter((_, index) => index % 2 === 1).map((mark) => texts.indexOf(mark)),
  };
  if (filled(form, textsOf(values)) !== JSON.stringify(buildAccessAudit(facts, site))) return undefined;
  return { ...form, shared: sharedParts(event), compressed: compressForm(form, slotsOf(values)) };
}

/** Those in its texts' order. Ids are UUIDs unless a client made them; an instant of another length is of the year 10000. */
function slotsOf({ version, patients }: Values): Slot[] {
  const slots: Slot[] = ['uuid', instantLength, 'uuid', 'uuid', ...patients.map((): Slot => 'uuid')];
  if (version !== undefined) slots.push(version.length);
  return slots;
}

function textsOf({ id, recorded, requestId, subject, version, patients }: Values): string[] {
  const texts = [id, recorded, requestId, subject];
  for (const patient of patients) texts.push(patient.slice(patientPath.length));
  if (version !== undefined) texts.push(version);
  return texts;
}

function filled({ pieces, order }: TextForm, values: readonly string[]): string {
  let text = pieces[0] as string;
  for (const [index, value] of order.entries()) text += (values[value] as string) + (pieces[index + 1] as string);
  return text;
}
