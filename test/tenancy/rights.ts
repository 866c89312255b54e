// Who may do what in the database, as data: rights.test.ts holds the catalog to it, and the README's table is made from it.

export type Verb = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';

export interface TableRights {
  readonly holds: string;
  /** Of hpms_app, on the tenant's own rows through the view `tenant.<table>`. */
  readonly app: readonly Verb[];
  /** The columns it may update where it may not update all. */
  readonly appUpdates?: readonly string[];
  /** Of hpms_system, on the rows of all tenants. */
  readonly system?: {
    readonly reads: readonly string[];
    readonly updates?: readonly string[];
    readonly deletes?: true;
  };
  /** No role may change or remove a row, the owner and the migrator included. */
  readonly isAppendOnly?: true;
}

const read: readonly Verb[] = ['SELECT'];
const add: readonly Verb[] = ['SELECT', 'INSERT'];
const change: readonly Verb[] = ['SELECT', 'INSERT', 'UPDATE'];
const replace: readonly Verb[] = ['SELECT', 'INSERT', 'DELETE'];
const all: readonly Verb[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const expiry = { reads: ['tenant_id', 'expires_at'], deletes: true } as const;

/** The tables `store.*` that hold rows of tenants. */
export const tenantTables: Readonly<Record<string, TableRights>> = {
  resource: { holds: 'current resources, encrypted', app: change, system: { reads: ['object_id'] } },
  history: {
    holds: 'earlier versions, encrypted',
    app: add,
    system: { reads: ['object_id'] },
    isAppendOnly: true,
  },
  audit_event: {
    holds: 'AuditEvents, encrypted',
    app: add,
    system: { reads: ['tenant_id', 'id', 'last_updated', 'tx'] },
    isAppendOnly: true,
  },
  seal_leaves: { holds: 'hashes of AuditEvents, leaves of the Merkle tree', app: add, isAppendOnly: true },
  seal_head: {
    holds: 'signed heads of that tree',
    app: add,
    system: { reads: ['tenant_id', 'size', 'root', 'prev_hash', 'at', 'key', 'signature', 'sealed_until'] },
    isAppendOnly: true,
  },
  seal_key: {
    holds: "the installation's key for heads, wrapped (as tenant 0)",
    app: add,
    appUpdates: ['wrapped', 'root'],
  },
  archive: {
    holds: 'which months of a tenant are in which files',
    app: read,
    system: { reads: ['tenant_id', 'table_name', 'month'] },
  },
  archived_object: { holds: 'stored objects that archived versions name', app: read, system: { reads: ['object_id'] } },
  legal_hold: {
    holds: 'tenants and patients of whom nothing may be deleted, archived or shredded; reasons encrypted',
    app: replace,
    appUpdates: ['reason'],
    system: { reads: ['tenant_id'] },
  },
  access_block: {
    holds: 'what was read or refused and is no AuditEvent yet, encrypted',
    app: add,
    system: { reads: ['tenant_id', 'id', 'for_workers'] },
  },
  audit_token_group: { holds: 'tokens that many AuditEvents have together', app: add },
  reference: { holds: 'references between resources', app: replace },
  date_value: { holds: 'dates of resources', app: replace },
  range_value: { holds: 'numbers and quantities of resources', app: replace },
  code_system: { holds: "the tenant's code systems, readable", app: replace },
  concept: { holds: 'their concepts', app: replace },
  concept_set: { holds: 'sets of concepts, for filters', app: replace },
  value_set: { holds: 'compositions of value sets, readable', app: replace },
  concept_map: { holds: 'concept maps, readable', app: replace },
  concept_map_element: { holds: 'their pairs of codes', app: replace },
  type_count: {
    holds: 'numbers of resources by type, and by the keyed class of their codes',
    app: read,
    system: { reads: ['tenant_id', 'type', 'id', 'amount', 'count_class'], updates: ['amount'], deletes: true },
  },
  search_index: {
    holds: 'what the search index of a tenant is built by',
    app: change,
    system: { reads: ['tenant_id', 'generation'] },
  },
  search_parameter: { holds: "tenants' own search parameters, encrypted", app: all },
  reindex: {
    holds: 'runs that index resources again',
    app: change,
    system: { reads: ['tenant_id', 'id', 'reason', 'state', 'updated_at'] },
  },
  outbox: {
    holds: 'events to be delivered',
    app: change,
    system: {
      reads: ['tenant_id', 'id', 'topic', 'status', 'attempts', 'created_at', 'published_at', 'done_at', 'due_at'],
      updates: ['status', 'attempts', 'published_at'],
    },
  },
  inbox: { holds: 'events that were worked on', app: add },
  idempotency_key: {
    holds: 'answers of repeated requests, encrypted',
    app: add,
    appUpdates: ['answer'],
    system: { reads: ['tenant_id', 'created_at'], deletes: true },
  },
  async_request: {
    holds: 'requests of the background and their answers, encrypted',
    app: all,
    system: { reads: ['tenant_id', 'expires_at'], deletes: true },
  },
  booking: { holds: 'times that are taken', app: replace },
  place: { holds: 'Locations where only one visit fits', app: replace },
  schedule_actor: { holds: 'whose weekly hours are which', app: replace },
  leave: { holds: 'leave and holidays', app: replace },
  reschedule_task: { holds: 'Tasks for visits that meet a leave', app: add },
  appointment_move: { holds: 'how often a visit was moved', app: change },
  waiting: { holds: 'who waits for a time', app: all },
  waiting_offer: { holds: 'times that were offered to them', app: replace },
  ledger_account: { holds: 'which Account is which account of the ledger', app: add },
  ledger_transaction: { holds: 'journals, chained by hashes', app: add, isAppendOnly: true },
  ledger_entry: { holds: 'their lines', app: add, isAppendOnly: true },
  ledger_invoice: { holds: 'what is outstanding of each Invoice', app: change },
  ledger_invoice_part: { holds: 'its revenue and taxes', app: change },
  ledger_credit: { holds: 'what is left of each credit', app: change },
  ledger_day: { holds: 'sums of accounts by day', app: change },
  ledger_fact: { holds: 'sums of revenue and money by what reports tell apart', app: change },
  invoice_fact: { holds: 'what Invoices amount to', app: all },
  invoice_charge: { holds: 'which Invoice has which ChargeItem', app: replace },
  fee_invoice: { holds: 'fees for visits that did not take place', app: add },
  visit_fee: { holds: 'visits that opened a free follow-up', app: add },
  payment_fact: { holds: 'what payments amount to', app: change },
  payment_allocation: { holds: 'which Invoices they settled', app: change },
  payment_identifier: { holds: 'identifiers of gateways, once each', app: add },
  settlement: { holds: 'closed days of drawers', app: add },
  drawer_shift: { holds: 'whose drawer it is in a day', app: change },
  visit: { holds: 'visits: which Encounter an Appointment has, and its place in the queue', app: change },
  queue_counter: { holds: 'last number of each queue of a day', app: change },
  free_number: { holds: 'numbers laid out ahead', app: all },
  patient_merge: { holds: 'who was merged into whom', app: all },
  printed_document: { holds: 'how often which version was printed', app: change },
  auto_invoice: { holds: 'automatic Invoices, one per Appointment', app: add },
  tenant_key: { holds: 'wrapped keys', app: add, appUpdates: ['uses_reserved', 'use', 'epoch'] },
  setting: { holds: 'settings', app: all },
  client: {
    holds: 'API clients',
    app: change,
    system: { reads: ['tenant_id', 'client_id', 'created_at', 'self_registered'], deletes: true },
  },
  account: { holds: 'accounts of staff and patients, names and addresses encrypted', app: change },
  account_link: { holds: 'invitations and password resets, as hashes', app: replace, system: expiry },
  recovery_code: { holds: 'recovery codes of second factors, as hashes', app: all },
  role: { holds: "the clinic's own roles", app: change },
  identity_provider: { holds: "the clinic's identity providers, secrets encrypted", app: all },
  identity: {
    holds: 'who an account is at an identity provider, subjects as keyed tokens',
    app: replace,
    appUpdates: ['known_as'],
  },
  number_series: { holds: 'patterns of numbers and the next of each', app: change },
  signing_key: { holds: 'token signing keys, encrypted', app: add, appUpdates: ['private_key'] },
  access_token: { holds: 'issued access tokens', app: replace, system: expiry },
  used_assertion: { holds: 'client assertions that were used', app: add, system: expiry },
  oidc_record: { holds: 'records of the authorization server, encrypted', app: all, system: expiry },
  app_grant: { holds: 'what people let apps do, with the launch context', app: all, system: expiry },
  app_consent: {
    holds: 'what people said when apps asked',
    app: all,
    system: { reads: ['tenant_id', 'client_id'] },
  },
  smart_launch: { holds: 'launches that an EHR has made, as hashes', app: change, system: expiry },
  login_session: { holds: 'who is signed in, where from encrypted', app: all, system: expiry },
};

/** Views in schema `tenant` that join several tables. */
export const joinedViews: Readonly<Record<string, readonly Verb[]>> = { version: read };

/** Schema `shared`: the same for all tenants, and read only; `release` says what was loaded, and nobody but the owner sees it. */
export const sharedTables: readonly string[] = [
  ...['code_system', 'concept', 'concept_set', 'value_set', 'concept_map', 'concept_map_element'],
];

/** The registry, the one table without a tenant's rows; hpms_system has it through `system.tenant`. */
export const registry = {
  table: 'tenant',
  system: { inserts: ['name', 'display'], updates: ['display', 'status', 'suspended_at', 'is_dark'] },
} as const;

export interface RoleRights {
  readonly does: string;
  readonly logsIn: boolean;
  /** Schemas it may look into. */
  readonly schemas: readonly string[];
  /** Functions it may call, beside PostgreSQL's own. */
  readonly functions: readonly string[];
}

export const roles: Readonly<Record<string, RoleRights>> = {
  hpms_owner: {
    does: 'owns schemas, tables and views; nobody logs in as it',
    logsIn: false,
    schemas: ['public', 'shared', 'store', 'system', 'tenant'],
    functions: [
      'store.announce_access',
      'store.count_added',
      'store.check_entry',
      'store.check_journal',
      'store.count_change',
      'store.keep_operators_hold',
      'store.make_partition',
      'store.note_late_row',
      'store.refuse_change',
      'store.refuse_change_but_tokens',
      'store.ring_outbox',
      'system.make_partitions',
      'system.partition_months_ahead',
      'system.shred_tenant',
      'tenant.activate',
      'tenant.current_id',
      'tenant.drop_token_groups',
      'tenant.is_halted',
      'tenant.lock_appointments',
      'tenant.require_definitions',
      'tenant.require_invoice_states',
      'tenant.store_access_events',
    ],
  },
  hpms_app: {
    does: 'answers requests and works on jobs, for the one tenant of its transaction',
    logsIn: true,
    schemas: ['shared', 'tenant'],
    functions: [
      ...['tenant.activate', 'tenant.current_id', 'tenant.is_halted', 'tenant.lock_appointments'],
      'tenant.require_definitions',
      'tenant.require_invoice_states',
      'tenant.store_access_events',
    ],
  },
  hpms_system: {
    does: 'relays the outbox, sweeps what has expired, makes partitions and tenants',
    logsIn: true,
    schemas: ['store', 'system'],
    functions: ['system.make_partitions', 'system.partition_months_ahead', 'system.shred_tenant'],
  },
  hpms_reindex: {
    does: 'writes the tokens of AuditEvents anew when the index key is rotated, and nothing else',
    logsIn: true,
    schemas: ['tenant'],
    functions: ['tenant.current_id', 'tenant.drop_token_groups'],
  },
  hpms_queue: { does: "runs BullMQ's tables, which hold ids only", logsIn: true, schemas: ['jobs'], functions: [] },
};

/** The README's tables: print them with `node test/tenancy/rights.ts`. */
export function renderRights(): string {
  const roleRows = Object.entries(roles).map(
    ([role, { does, logsIn, schemas }]) => `| \`${role}\` | ${does} | ${logsIn ? 'yes' : 'no'} | ${code(schemas)} |`,
  );
  const tableRows = Object.entries(tenantTables).map(
    ([table, { holds, app, appUpdates, system, isAppendOnly }]) =>
      `| \`${table}\` | ${holds} | ${appText(app, appUpdates)} | ${systemText(system)} | ${isAppendOnly ? 'yes' : ''} |`,
  );
  return [
    '| Role | What for | Logs in | Schemas |',
    '|---|---|---|---|',
    ...roleRows,
    '',
    "The application sees each table only as a view that shows the rows of the transaction's tenant (S select, I insert,",
    "U update, D delete). The system role sees the named columns of all tenants' rows, and the tenant registry, of which it",
    `writes ${code(registry.system.updates)} and the name of a new tenant; it destroys keys only by the function`,
    '`system.shred_tenant`, of suspended tenants.',
    '',
    '| Table | Holds | `hpms_app` | `hpms_system` | Append-only |',
    '|---|---|---|---|---|',
    ...tableRows,
    '',
    'Terminology that is the same for all tenants stands in schema `shared`, in',
    `${code(sharedTables)}:`,
    '`hpms_app` reads it (S), and nobody but the owner, who is the operator of `npm run migrate` and `npm run admin`, writes it.',
  ].join('\n');
}

function letters(verbs: readonly Verb[]): string {
  return verbs.map((verb) => verb[0]).join(' ');
}

function appText(verbs: readonly Verb[], updates: readonly string[] | undefined): string {
  return updates ? `${letters(verbs)}; U ${code(updates)}` : letters(verbs);
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function systemText(system: TableRights['system']): string {
  if (!system) return '';
  const parts = [`S ${code(system.reads)}`];
  if (system.updates) parts.push(`U ${code(system.updates)}`);
  if (system.deletes) parts.push('D');
  return parts.join('; ');
}

if (import.meta.main) console.log(renderRights());
