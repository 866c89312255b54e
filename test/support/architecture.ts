// The rules of architecture.md and style.md as data and pure functions, so that the architecture test can also be shown to fail.

import type { SourceFile } from './source-files.ts';

export interface Breach {
  readonly rule: 'room' | 'cycle' | 'barrel' | 'file-size' | 'function-size' | 'dead-file' | 'opening-sentence';
  readonly where: string;
  readonly what: string;
}

const belowSearch = ['fhir', 'database', 'crypto', 'access', 'terminology', 'validation'];
const belowOperations = [...belowSearch, 'search', 'repository'];

/**
 * Which room of src/ may import which others (its own it always may): architecture.md, Rooms. A room may be narrowed to one
 * file. Rooms that are not here (app.ts, main.ts, config.ts, commands/) put the others together and may import everything.
 */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  fhir: [],
  database: ['fhir'],
  crypto: ['database', 'gateways/root-key.ts'],
  access: ['fhir', 'database'],
  // Displays are found by words folded as everywhere else; that file is pure.
  terminology: ['fhir', 'database', 'crypto', 'access', 'search/fold-text.ts'],
  validation: ['fhir', 'database', 'crypto', 'access', 'terminology'],
  search: belowSearch,
  // Not in the table's cell, but in hop 8 of its write path: the outbox row, and bodies too big for a row.
  repository: [...belowSearch, 'search', 'jobs/outbox.ts', 'gateways'],
  // What was read and changed, and the proof of it.
  audit: [...belowSearch, 'search', 'repository', 'gateways', 'jobs/outbox.ts'],
  operations: [...belowOperations, 'audit'],
  bundles: belowOperations,
  subscriptions: belowOperations,
  bulk: belowOperations,
  jobs: ['fhir', 'database'],
  gateways: ['fhir'],
  // A new tenant has its first client.
  tenants: [...belowOperations, 'audit', 'operations', 'jobs', 'gateways', 'people'],
  people: [...belowOperations, 'operations', 'jobs', 'gateways'],
  // Each tenant is an issuer of its own, with its own signing key.
  smart: ['fhir', 'database', 'crypto', 'access', 'people', 'tenants', 'jobs/outbox.ts', 'gateways'],
  // Tables that onboarding and administration share with the workflows, each a file; and who may do what.
  clinic: [
    ...['fhir', 'access', 'repository', 'search', 'operations', 'gateways', 'jobs/outbox.ts'],
    ...[
      'people/number-series.ts',
      'people/person-rights.ts',
      'tenants/workflow-settings.ts',
      'tenants/furnishing/chart-of-accounts.ts',
    ],
  ],
  http: [
    ...belowOperations,
    ...['audit', 'operations', 'bundles', 'subscriptions', 'bulk', 'jobs', 'gateways', 'tenants', 'people', 'smart'],
  ],
};

/** Between the folders of clinic/ only these; `notifications` reacts to events and imports none. */
const allowedWorkflows: Readonly<Record<string, readonly string[]>> = {
  visits: ['scheduling'],
  billing: ['ledger', 'numbers', 'scheduling'],
  payments: ['billing', 'ledger', 'numbers'],
  documents: ['payments'],
  reports: ['ledger', 'documents'],
  claims: ['billing'],
  pharmacy: ['inventory'],
};

export function roomBreaches(sources: readonly SourceFile[]): Breach[] {
  return sources.flatMap(({ file, imports }) =>
    imports
      .filter(({ target }) => target.startsWith('src/') && !mayImport(file, target))
      .map(({ target }): Breach => ({ rule: 'room', where: file, what: `imports ${target}` })),
  );
}

function mayImport(file: string, target: string): boolean {
  const [, room = '', workflow = ''] = file.split('/');
  const [, targetRoom = '', targetWorkflow = ''] = target.split('/');
  const allowed = allowedImports[room];
  if (!allowed) return true;
  if (room !== targetRoom) return allowed.some((one) => one === targetRoom || `src/${one}` === target);
  if (room !== 'clinic' || workflow === targetWorkflow || targetWorkflow.endsWith('.ts')) return true;
  return allowedWorkflows[workflow]?.includes(targetWorkflow) ?? false;
}

/** Loops of imports that exist when the code runs; each is reported once, at its first file. */
export function cycleBreaches(sources: readonly SourceFile[]): Breach[] {
  const byName = new Map(sources.map((source) => [source.file, source]));
  const finished = new Set<string>();
  const breaches: Breach[] = [];
  const walk = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      breaches.push({ rule: 'cycle', where: file, what: [...trail.slice(start), file].join(' -> ') });
      return;
    }
    if (finished.has(file)) return;
    for (const { target, typeOnly } of byName.get(file)?.imports ?? []) if (!typeOnly) walk(target, [...trail, file]);
    finished.add(file);
  };
  for (const { file } of sources) walk(file, []);
  return breaches;
}

export function barrelBreaches(sources: readonly SourceFile[]): Breach[] {
  return sources
    .filter((source) => source.reexports)
    .map(({ file }): Breach => ({ rule: 'barrel', where: file, what: 'exports what another file holds' }));
}

export function fileSizeBreaches(sources: readonly SourceFile[], linesMax: number): Breach[] {
  return sources
    .filter(({ lines }) => lines > linesMax)
    .map(({ file, lines }): Breach => ({ rule: 'file-size', where: file, what: `${lines} lines` }));
}

export function functionSizeBreaches(sources: readonly SourceFile[], linesMax: number): Breach[] {
  return sources.flatMap(({ file, functions }) =>
    functions
      .filter(({ lines }) => lines > linesMax)
      .map(({ name, lines }): Breach => ({ rule: 'function-size', where: `${file}#${name}`, what: `${lines} lines` })),
  );
}

/** Files that nothing leads to from an entry. What only tests import is dead too. */
export function deadFileBreaches(sources: readonly SourceFile[], isEntry: (file: string) => boolean): Breach[] {
  const byName = new Map(sources.map((source) => [source.file, source]));
  const alive = new Set<string>();
  const reach = (file: string) => {
    if (alive.has(file)) return;
    alive.add(file);
    for (const { target } of byName.get(file)?.imports ?? []) reach(target);
  };
  for (const { file } of sources) if (isEntry(file)) reach(file);
  return sources
    .filter(({ file }) => !alive.has(file))
    .map(({ file }): Breach => ({ rule: 'dead-file', where: file, what: 'is never imported' }));
}

export function openingBreaches(sources: readonly SourceFile[]): Breach[] {
  return sources
    .filter(({ firstLine }) => !/^\/\/ [A-Z`].{20,}/.test(firstLine))
    .map(
      ({ file }): Breach => ({
        rule: 'opening-sentence',
        where: file,
        what: 'does not open with a comment that says what it is for',
      }),
    );
}
