// The distributions that can be imported, by the name an operator says.

import type { SourceSystem } from '../source-system.ts';
import { readCpt } from './cpt.ts';
import type { Distribution } from './distribution.ts';
import { readHcpcs } from './hcpcs.ts';
import { readIcd10cm } from './icd10cm.ts';
import { readLoinc } from './loinc.ts';
import { readRxNorm } from './rxnorm.ts';
import { readSnomed } from './snomed.ts';

export type ReadDistribution = (distribution: Distribution) => Promise<SourceSystem>;

export const distributions: Readonly<Record<string, ReadDistribution>> = {
  loinc: readLoinc,
  snomed: readSnomed,
  icd10cm: readIcd10cm,
  rxnorm: readRxNorm,
  cpt: readCpt,
  hcpcs: readHcpcs,
};
