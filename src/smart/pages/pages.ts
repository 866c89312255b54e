// Every page that people meet, from what is to be shown to the HTML of it: pure, without a script, for any browser.

import { type AccountView, accountPage } from './account.ts';
import { type ConsentView, consentPage } from './consent.ts';
import { type EncounterPickerView, encounterPickerPage } from './encounter-picker.ts';
import { layOut, type PageBody, type PageContext } from './layout.ts';
import { type LoginView, loginPage } from './login.ts';
import { type MessageView, messagePage } from './message.ts';
import { type NewPasswordView, newPasswordPage, type ResetRequestView, resetRequestPage } from './passwords.ts';
import { type PickerView, pickerPage } from './picker.ts';
import {
  type EnrolView,
  enrolPage,
  type RecoveryCodesView,
  recoveryCodesPage,
  type SecondFactorView,
  secondFactorPage,
} from './second-factor.ts';

export type PageView =
  | LoginView
  | SecondFactorView
  | EnrolView
  | RecoveryCodesView
  | ConsentView
  | PickerView
  | EncounterPickerView
  | MessageView
  | ResetRequestView
  | NewPasswordView
  | AccountView;

/** To be sent with `pageHeaders`. */
export function renderPage(view: PageView, context: PageContext): string {
  return layOut(bodyOf(view, context), context);
}

function bodyOf(view: PageView, context: PageContext): PageBody {
  switch (view.kind) {
    case 'login':
      return loginPage(view);
    case 'second-factor':
      return secondFactorPage(view);
    case 'enrol':
      return enrolPage(view);
    case 'recovery-codes':
      return recoveryCodesPage(view);
    case 'consent':
      return consentPage(view);
    case 'picker':
      return pickerPage(view);
    case 'encounter-picker':
      return encounterPickerPage(view);
    case 'message':
      return messagePage(view);
    case 'reset-request':
      return resetRequestPage(view);
    case 'new-password':
      return newPasswordPage(view);
    case 'account':
      return accountPage(view, context);
  }
}
