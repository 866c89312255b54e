// The codes of v3 PurposeOfUse, and of what each is a kind: https://terminology.hl7.org/CodeSystem-v3-ActReason.html

/** Above all of them: it says no purpose. */
const root = 'PurposeOfUse';

/** What is right below each that has kinds. */
const kinds: Readonly<Record<string, string>> = {
  [root]: 'HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT',
  HOPERAT:
    'CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN MEMADMIN MILCDM ' +
    'PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN',
  HSYSADMIN: 'LABELING METAMGT',
  SYSDEV: 'HTEST',
  HPAYMT: 'CLMATTCH COVAUTH COVERAGE REMITADV',
  COVERAGE: 'ELIGDTRM ELIGVER ENROLLM MILDCRG',
  HRESCH: 'BIORCH CLINTRCH DSRCH POARCH TRANSRCH',
  CLINTRCH: 'CLINTRCHNPC CLINTRCHPC PRECLINTRCH',
  PATRQT: 'FAMRQT PWATRNY SUPNWK',
  PUBHLTH: 'DISASTER THREAT',
  TREAT: 'CLINTRL COC ETREAT POPHLTH',
  ETREAT: 'BTG ERTREAT',
};

const wider = new Map<string, readonly string[]>();
addBelow(root, []);

function addBelow(code: string, above: readonly string[]): void {
  const all = [code, ...above];
  wider.set(code, all);
  for (const kind of kinds[code]?.split(' ') ?? []) addBelow(kind, all);
}

/** Whether it is a purpose that a request may have. */
export function isPurpose(code: string): boolean {
  return code !== root && wider.has(code);
}

/** Itself, and what it is a kind of. */
export function withWider(code: string): readonly string[] {
  return wider.get(code) ?? [code];
}
