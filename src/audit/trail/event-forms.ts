// AuditEvents of one caller's reads differ in few values: all else of them is built, made JSON and looked through for tokens once.

import { buildAccessAudit, patientsOf } from '../../access/access-audit.ts';
import type { AccessFacts, CallerFacts } from '../../access/access-facts.ts';
import { newId } from '../../fhir/ids.ts';
import { type AuditRow, auditRow, sealedRow } from '../../repository/audit-rows.ts';
import { groupedTokensOf, type SharedPart, sharedParts } from '../../repository/audit-tokens.ts';
import type { Repository, Session } from '../../repository/session.ts';

/** The AuditEvent of a read, without its values. */
interface EventForm {
  /** Its JSON before, between and behind the values. */
  readonly pieces: readonly string[];
  /** Which of the values comes behind each piece but the last. */
  readonly order: readonly number[];
  readonly shared: readonly SharedPart[];
}

/** What is other in each. */
interface Values {
  readonly id: string;
  readonly recordedMs: number;
  readonly requestId: string;
  /** `Type/id/_history/n`, or without a version. */
  readonly answered: string;
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
  const { answered, patients } = values;
  const tokens = groupedTokensOf(session, form.shared, [answered, ...patients]);
  return sealedRow(session, facts.id, filled(form, values), tokens);
}

/** What JSON holds as it is. */
const plain = /^[\w\-./:]+$/;

/** Of a read of one version, by itself, that was answered. */
function valuesOf(facts: AccessFacts): Values | undefined {
  const { id, recordedMs, interaction, outcome, entry, requestId, answered: [answered, ...others] = [] } = facts;
  if ((interaction !== 'read' && interaction !== 'vread') || outcome !== '0' || entry !== undefined) return undefined;
  if (answered === undefined || others.length > 0 || requestId === undefined) return undefined;
  const patients = patientsOf(facts);
  const isPlain = [requestId, answered, ...patients].every((text) => plain.test(text));
  return isPlain ? { id, recordedMs, requestId, answered, patients } : undefined;
}

function formOf(
  caller: CallerFacts,
  facts: AccessFacts,
  values: Values,
  site: string | undefined,
): EventForm | undefined {
  const { interaction, status, address } = facts;
  const { answered, patients } = values;
  const type = answered.slice(0, answered.indexOf('/'));
  const itself = type === 'Patient' ? patients.findIndex((patient) => isOf(answered, patient)) : -1;
  const forms = ofCallers.get(caller) ?? new Map<string, EventForm | undefined>();
  ofCallers.set(caller, forms);
  const key = `${interaction} ${status} ${type} ${itself} ${patients.length} ${address} ${site}`;
  if (forms.has(key)) return forms.get(key);
  if (forms.size >= formsMax) forms.clear();
  const form = makeForm(facts, values, { type, itself }, site);
  forms.set(key, form);
  return form;
}

function isOf(version: string, reference: string): boolean {
  return version === reference || version.startsWith(`${reference}/`);
}

/** Built with marks in the place of the values, and kept only where it gives the very event that these facts are to become. */
function makeForm(
  facts: AccessFacts,
  values: Values,
  { type, itself }: { readonly type: string; readonly itself: number },
  site: string | undefined,
): EventForm | undefined {
  const patients = values.patients.map(() => `Patient/${newId(0)}`);
  const marks: Values = {
    id: newId(0),
    recordedMs: 0,
    requestId: newId(0),
    answered: `${patients[itself] ?? `${type}/${newId(0)}`}/_history/1`,
    patients,
  };
  const event = buildAccessAudit({ ...facts, ...marks, answered: [marks.answered], path: '', query: '' }, site);
  const texts = textsOf(marks);
  // A version's mark begins with its resource's, and stands before it.
  const parts = JSON.stringify(event).split(new RegExp(`(${texts.join('|')})`));
  const form: EventForm = {
    pieces: parts.filter((_, index) => index % 2 === 0),
    order: parts.filter((_, index) => index % 2 === 1).map((mark) => texts.indexOf(mark)),
    shared: sharedParts(event),
  };
  return filled(form, values) === JSON.stringify(buildAccessAudit(facts, site)) ? form : undefined;
}

function textsOf({ id, recordedMs, requestId, answered, patients }: Values): string[] {
  return [id, new Date(recordedMs).toISOString(), requestId, answered, ...patients];
}

function filled({ pieces, order }: EventForm, values: Values): string {
  const texts = textsOf(values);
  let text = pieces[0] as string;
  for (const [index, value] of order.entries()) text += (texts[value] as string) + (pieces[index + 1] as string);
  return text;
}
