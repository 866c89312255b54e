// Whose record an app is to be opened with, when nothing else says so: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { button, field, form } from './fields.ts';
import { type Html, html } from './html.ts';
import type { PageBody } from './layout.ts';

/** The search sends `do=search` and `query`, the choice `do=choose` and `patient`, giving up `do=cancel`: never in the URL. */
export interface PickerView {
  readonly kind: 'picker';
  readonly action: string;
  readonly csrf: string;
  readonly clientName?: string;
  readonly query: string;
  readonly patients: readonly PickerPatient[];
  /** More are found than shown. */
  readonly hasMore: boolean;
}

export interface PickerPatient {
  readonly id: string;
  readonly name: string;
  readonly birthDate?: string;
  /** What tells two of the same name apart, such as the record number. */
  readonly detail?: string;
}

export function pickerPage({ action, csrf, clientName, query, patients, hasMore }: PickerView): PageBody {
  return {
    title: 'Choose a patient',
    body: html`${clientName !== undefined && html`<p class="lead">for <strong><bdi>${clientName}</bdi></strong></p>`}
${form({
  action,
  csrf,
  content: html`<div class="search">${[
    field({
      ...{ name: 'query', label: 'Name, record number or date of birth', type: 'search', autocomplete: 'off' },
      ...{ value: query, isOptional: true, hasFocus: patients.length === 0 },
    }),
    button({ label: 'Search', kind: 'secondary', name: 'do', value: 'search' }),
  ]}</div>`,
})}
<p role="status">${countText(patients.length, query, hasMore)}</p>
${form({
  action,
  csrf,
  content: [
    patients.length > 0 &&
      html`<input type="hidden" name="do" value="choose"/><ul class="choices">${patients.map(patientItem)}</ul>`,
  ],
})}
${form({ action, csrf, content: button({ label: 'Cancel', kind: 'secondary', name: 'do', value: 'cancel' }) })}`,
  };
}

function patientItem({ id, name, birthDate, detail }: PickerPatient): Html {
  return html`<li><button type="submit" name="patient" value="${id}"><bdi class="name">${name}</bdi>${[
    birthDate !== undefined && html` <span class="hint">born ${birthDate}</span>`,
    detail !== undefined && html` <span class="hint">${detail}</span>`,
  ]}</button></li>
`;
}

function countText(count: number, query: string, hasMore: boolean): string {
  if (count === 0)
    return query === '' ? 'Type what you know of the patient.' : 'No patient found. Try part of the name.';
  if (hasMore) return `The first ${count} patients. Type more to find others.`;
  return count === 1 ? '1 patient found.' : `${count} patients found.`;
}
