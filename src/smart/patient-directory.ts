// What sign-in needs to know of patients, always asked for as the person who signs in; the repository answers (src/http/patients.ts).

import type { Caller } from '../access/caller.ts';

export interface PatientDirectory {
  /** Those the caller may read that match a name, a record number or a date of birth. */
  search(caller: Caller, query: string): Promise<PatientMatches>;
  /** Undefined when there is none that the caller may read. */
  find(caller: Caller, id: string): Promise<PatientLine | undefined>;
  /** Those of the patient that the caller may read, the newest first. */
  encounters(caller: Caller, patientId: string): Promise<EncounterMatches>;
  /** The id of the Encounter the patient is in now, if the caller may read it. */
  currentEncounter(caller: Caller, patientId: string): Promise<string | undefined>;
  /** True when there is such an Encounter of the patient that the caller may read. */
  hasEncounter(caller: Caller, patientId: string, encounterId: string): Promise<boolean>;
}

export interface EncounterMatches {
  readonly encounters: readonly EncounterLine[];
  readonly hasMore: boolean;
}

export interface EncounterLine {
  readonly id: string;
  /** What kind of visit it is, for people. */
  readonly name: string;
  /** The day it begins. */
  readonly date?: string;
  /** Where it stands, for people. */
  readonly status: string;
}

export interface PatientMatches {
  readonly patients: readonly PatientLine[];
  readonly hasMore: boolean;
}

export interface PatientLine {
  readonly id: string;
  readonly name: string;
  readonly birthDate?: string;
  /** What tells two of the same name apart, such as the record number. */
  readonly detail?: string;
}
