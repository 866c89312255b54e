// Parts that forms share: labelled fields, the summary of what went wrong, hidden values, buttons.

import { type Content, type Html, html } from './html.ts';

export interface FieldOptions {
  readonly name: string;
  /** Where the page has another field of the name. */
  readonly id?: string;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'password' | 'search';
  /** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill */
  readonly autocomplete: string;
  readonly value?: string | undefined;
  readonly hint?: Content;
  /** The error summary is about this field. */
  readonly isWrong?: boolean;
  readonly hasFocus?: boolean;
  readonly isOptional?: boolean;
  readonly inputMode?: 'numeric';
  readonly lengthMax?: number;
}

const errorId = 'error';

/** A screen reader speaks it as soon as the page is there. */
export function errorSummary(error: string | undefined): Html | undefined {
  if (error === undefined) return undefined;
  return html`<div class="notice error" id="${errorId}" role="alert"><p>${error}</p></div>`;
}

export function notice(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<div class="notice" role="status"><p>${text}</p></div>`;
}

export function field(options: FieldOptions): Html {
  const { name, id = name, label, type = 'text', autocomplete, value, hint, isWrong, hasFocus, isOptional } = options;
  const hintId = `${id}-hint`;
  const described = [hint !== undefined && hintId, isWrong && errorId].filter((one) => typeof one === 'string');
  const isCode = options.inputMode === 'numeric';
  return html`<div class="field">
<label for="${id}">${label}</label>
${hint !== undefined && html`<p class="hint" id="${hintId}">${hint}</p>`}
<input id="${id}" name="${name}" type="${type}" autocomplete="${autocomplete}" maxlength="${options.lengthMax ?? 254}"${[
    value !== undefined && html` value="${value}"`,
    described.length > 0 && html` aria-describedby="${described.join(' ')}"`,
    isWrong && html` aria-invalid="true"`,
    hasFocus && html` autofocus=""`,
    !isOptional && html` required=""`,
    isCode && html` inputmode="numeric"`,
    type !== 'password' && html` autocapitalize="none" spellcheck="false"`,
  ]}/>
</div>`;
}

export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}"/>`;
}

/** Not shown: it tells password managers whose password the form is about. */
export function passwordOwner(email: string): Html {
  return html`<input type="text" name="email" value="${email}" autocomplete="username" readonly="" hidden=""/>`;
}

export interface FormOptions {
  readonly action: string;
  readonly csrf: string | undefined;
  readonly content: Content;
}

/** Always POST: neither a secret nor a patient's name may stand in a URL. */
export function form({ action, csrf, content }: FormOptions): Html {
  return html`<form method="post" action="${action}">
${csrf !== undefined && hidden('csrf', csrf)}
${content}
</form>`;
}

export interface ButtonOptions {
  readonly label: string;
  readonly kind?: 'primary' | 'secondary' | 'danger';
  /** What the form says when this button sends it. */
  readonly name?: string;
  readonly value?: string;
  /** Sends the form even when its fields are not filled in. */
  readonly skipsChecks?: boolean;
  /** Heard instead of the label, which means nothing by itself among many of its kind. */
  readonly spoken?: string;
}

export function button(options: ButtonOptions): Html {
  const { label, kind = 'primary', name, value = '', skipsChecks, spoken } = options;
  return html`<button type="submit" class="${kind}"${[
    name !== undefined && html` name="${name}" value="${value}"`,
    skipsChecks && html` formnovalidate=""`,
    spoken !== undefined && html` aria-label="${spoken}"`,
  ]}>${label}</button>`;
}
