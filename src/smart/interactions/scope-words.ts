// Scopes in words that people understand: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

export interface ScopeWords {
  readonly label: string;
  readonly detail?: string;
}

const fixed: Readonly<Record<string, ScopeWords>> = {
  openid: { label: 'Know that you signed in' },
  profile: { label: 'Know your name' },
  fhirUser: {
    label: 'Know which record of the clinic is yours',
    detail: 'Your entry as a member of staff or as a patient.',
  },
  launch: { label: 'Know what you have open', detail: 'The patient and the visit that the app is opened for.' },
  'launch/patient': { label: 'Know whose record is open' },
  'launch/encounter': { label: 'Know which visit it is about' },
  online_access: { label: 'Stay connected while you are signed in' },
  offline_access: { label: 'Stay connected when you have left', detail: 'Until you withdraw it on your account page.' },
};

/** Without them the app would not work at all. */
const required: ReadonlySet<string> = new Set([
  'openid',
  'launch',
  'launch/patient',
  'launch/encounter',
  'online_access',
]);

export function isRequired(scope: string): boolean {
  return required.has(scope);
}

const resourceScope = /^(patient|user)\/(\*|\w+)\.([a-z*]+)(?:\?(.+))?$/;

export function describeScope(scope: string): ScopeWords {
  const words = fixed[scope];
  if (words) return words;
  const [, context = '', type = '', letters = '', constraint] = resourceScope.exec(scope) ?? [];
  const of = context === 'patient' ? 'of the open record' : 'you have access to';
  const label = `${actionsOf(letters)}: ${type === '*' ? 'everything' : namesOf(type)} ${of}`;
  return constraint === undefined ? { label } : { label, detail: `Only ${constraintWords(constraint)}.` };
}

const actions: Readonly<Record<string, string>> = { c: 'add', u: 'change', d: 'delete' };

function actionsOf(letters: string): string {
  const all = { read: 'rs', write: 'cud', '*': 'cruds' }[letters] ?? letters;
  const sees = /[rs]/.test(all) ? ['see'] : [];
  const words = [
    ...sees,
    ...Object.keys(actions).flatMap((letter) => (all.includes(letter) ? (actions[letter] ?? []) : [])),
  ];
  const text = words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? 'see');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const names: Readonly<Record<string, string>> = {
  AllergyIntolerance: 'allergies',
  Appointment: 'appointments',
  Condition: 'diagnoses and problems',
  DiagnosticReport: 'reports',
  DocumentReference: 'documents',
  Encounter: 'visits',
  Immunization: 'vaccinations',
  MedicationRequest: 'prescriptions',
  MedicationDispense: 'dispensed medicines',
  Observation: 'measurements, results and observations',
  Patient: 'name, address and personal details',
  Practitioner: 'members of staff',
  Procedure: 'procedures',
};

/** A type without words of its own is said in FHIR's, parted: CarePlan -> care plan. */
function namesOf(type: string): string {
  return names[type] ?? type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

function constraintWords(constraint: string): string {
  return constraint
    .split('&')
    .map((part) => {
      const [name = '', ...value] = part.split('=');
      return `${name} ${decode(value.join('=')).replace(/^.*\|/, '')}`;
    })
    .join(' and ');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const conditionCategory = 'http://terminology.hl7.org/CodeSystem/condition-category';
const usCoreCondition = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category';
const observationCategory = 'http://terminology.hl7.org/CodeSystem/observation-category';

/** The categories of US Core, by which a person may allow a part: ONC (g)(10), granular scopes. */
const categories: Readonly<Record<string, readonly string[]>> = {
  Condition: [
    `${conditionCategory}|encounter-diagnosis`,
    `${conditionCategory}|problem-list-item`,
    `${usCoreCondition}|health-concern`,
  ],
  Observation: [
    `${observationCategory}|laboratory`,
    `${observationCategory}|vital-signs`,
    `${observationCategory}|social-history`,
    `${observationCategory}|survey`,
  ],
};

/** Of version 2 only: scopes of version 1 have no search parameters. */
export function narrowerScopes(scope: string): readonly string[] {
  const [, , type = '', letters = '', constraint] = resourceScope.exec(scope) ?? [];
  if (constraint !== undefined || !/^c?r?u?d?s?$/.test(letters)) return [];
  return (categories[type] ?? []).map((category) => `${scope}?category=${category}`);
}
