// Which visit an app is to be opened with, when nothing else says so: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

import { button, form } from './fields.ts';
import { type Html, html } from './html.ts';
import type { PageBody } from './layout.ts';

/** The choice sends `do=choose` and `encounter`, going on without one `do=none`, giving up `do=cancel`: never in the URL. */
export interface EncounterPickerView {
  readonly kind: 'encounter-picker';
  readonly action: string;
  readonly csrf: string;
  readonly clientName?: string;
  /** Whose visits they are, for people. */
  readonly patient?: string;
  readonly encounters: readonly PickerEncounter[];
  /** There are older ones that are not shown. */
  readonly hasMore: boolean;
}

export interface PickerEncounter {
  readonly id: string;
  /** What kind of visit it is, for people. */
  readonly name: string;
  /** The day it begins. */
  readonly date?: string;
  /** Where it stands, for people. */
  readonly status: string;
}

export function encounterPickerPage(view: EncounterPickerView): PageBody {
  const { action, csrf, clientName, patient, encounters, hasMore } = view;
  return {
    title: 'Choose a visit',
    body: html`<p class="lead">${patient !== undefined && html`of <strong><bdi>${patient}</bdi></strong> `}${
      clientName !== undefined && html`for <strong><bdi>${clientName}</bdi></strong>`
    }</p>
${hasMore && html`<p role="status">The newest ${encounters.length} visits.</p>`}
${form({
  action,
  csrf,
  content: html`<input type="hidden" name="do" value="choose"/><ul class="choices">${encounters.map(encounterItem)}</ul>`,
})}
${form({
  action,
  csrf,
  content: html`<div class="actions">${[
    button({ label: 'Go on without a visit', kind: 'secondary', name: 'do', value: 'none' }),
    button({ label: 'Cancel', kind: 'secondary', name: 'do', value: 'cancel' }),
  ]}</div>`,
})}`,
  };
}

function encounterItem({ id, name, date, status }: PickerEncounter): Html {
  return html`<li><button type="submit" name="encounter" value="${id}"><bdi class="name">${name}</bdi>${
    date !== undefined && html` <span class="hint">${date}</span>`
  } <span class="hint">${status}</span></button></li>
`;
}
