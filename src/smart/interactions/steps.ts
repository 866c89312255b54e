// The page of each question of the policy.

import { chooseEncounterStep } from './choose-encounter.ts';
import { choosePatientStep } from './choose-patient.ts';
import { consentStep } from './consent.ts';
import type { Step } from './interaction.ts';
import { signInStep } from './sign-in.ts';

const steps: ReadonlyMap<string, Step> = new Map([
  ['login', signInStep],
  ['launch', choosePatientStep],
  ['encounter', chooseEncounterStep],
  ['consent', consentStep],
]);

export function stepOf(prompt: string): Step | undefined {
  return steps.get(prompt);
}
