// The columns that hold a client's texts readable, and why: the README's table "What is readable", which the canary proof compares with the database.

export interface PlainColumns {
  readonly table: string;
  readonly columns: readonly string[];
  readonly holds: string;
  readonly why: string;
}

const byId = 'rows are found, locked and partitioned by it; ids of this server are random';
const joined = 'rows are joined by it inside PostgreSQL; ids of this server are random';
const terminology = 'looked up, ordered and joined inside PostgreSQL; of codes, not of people';
const signIn = 'compared exactly before anybody is known; of an app, not of a person';

/** Ids a client chose, wherever the clinic's rules keep them. */
const ids = (table: string, columns: readonly string[], holds: string, why = joined): PlainColumns => ({
  ...{ table, columns, holds, why },
});

export const plainColumns: readonly PlainColumns[] = [
  ids('resource', ['id'], 'ids of resources', byId),
  ids('history', ['id'], 'ids of resources', byId),
  ids('audit_event', ['id'], 'ids of AuditEvents', byId),
  ids('access_block', ['id', 'ids'], 'ids of AuditEvents that are to be', byId),
  ids('seal_leaves', ['ids'], 'ids of sealed AuditEvents', byId),
  ids('reference', ['source_id', 'target_id'], 'ids that resources point from and to'),
  ids('date_value', ['id'], 'ids of resources that have dates'),
  ids('range_value', ['id'], 'ids of resources that have numbers'),
  ids('outbox', ['resource_id', 'event_key'], 'ids of what is to be delivered'),
  ids('reindex', ['at_id'], 'the id a run has come to'),
  ids('legal_hold', ['patient_id'], 'ids of patients under legal hold'),
  ids('search_parameter', ['id'], "ids of a tenant's own search parameters"),
  ids('booking', ['actor_id', 'appointment_id'], 'ids of who is taken by which visit'),
  ids(
    'visit',
    [
      'appointment_id',
      'encounter_id',
      'patient_id',
      'practitioner',
      'practitioners',
      'department_id',
      'location_id',
      'called_by',
    ],
    'ids of whom a visit is with, and where',
  ),
  ids('appointment_move', ['appointment_id'], 'ids of visits that were moved'),
  ids('reschedule_task', ['appointment_id'], 'ids of visits that meet a leave'),
  ids(
    'waiting',
    ['appointment_id', 'practitioner_ids', 'services'],
    'ids of who waits for whom, and codes of what for',
  ),
  ids('waiting_offer', ['appointment_id'], 'ids of who was offered a time'),
  ids('auto_invoice', ['appointment_id', 'invoice_id'], 'ids of visits and their Invoices'),
  ids(
    'invoice_fact',
    ['invoice_id', 'patient_id', 'appointment_id', 'practitioner_id', 'department_id', 'corrects_id'],
    'ids of whom an Invoice is for',
  ),
  ids('invoice_charge', ['invoice_id', 'charge_item_id'], 'ids of Invoices and what is charged'),
  ids('fee_invoice', ['invoice_id', 'patient_id', 'appointment_id'], 'ids of fees for visits that did not take place'),
  ids(
    'visit_fee',
    ['appointment_id', 'covered_by', 'definition_id', 'invoice_id', 'patient_id', 'practitioner_id'],
    'ids of visits and their prices',
  ),
  ids(
    'payment_fact',
    ['payment_id', 'patient_id', 'drawer_id', 'refunds', 'requested_by'],
    'ids of who paid, and at which drawer',
  ),
  ids('payment_allocation', ['payment_id', 'invoice_id', 'receipt_id'], 'ids of payments and what they settled'),
  ids('payment_identifier', ['payment_id'], 'ids of payments'),
  ids('settlement', ['settlement_id', 'drawer_id'], 'ids of closed days'),
  ids('drawer_shift', ['drawer_id', 'holder'], 'ids of drawers and of who holds them'),
  ids('ledger_account', ['account_id', 'control_id', 'sub'], 'ids of Accounts'),
  ids(
    'ledger_transaction',
    ['id', 'source_id', 'subject', 'actor', 'drawer', 'reverses_id', 'idempotency_key', 'reason'],
    'ids of what a journal entry is about; reasons are codes of the server',
  ),
  ids(
    'ledger_entry',
    [
      'transaction_id',
      'account_id',
      'control_id',
      'invoice_id',
      'party',
      'practitioner',
      'department',
      'revenue',
      'credit',
    ],
    'ids of what its lines are about',
  ),
  ids('ledger_invoice', ['invoice_id', 'practitioner', 'department'], 'ids of what is outstanding'),
  ids('ledger_invoice_part', ['invoice_id', 'code'], 'ids of Invoices, codes of revenue and taxes'),
  ids('ledger_credit', ['patient', 'source'], 'ids of who has a credit, and where from'),
  ids('ledger_day', ['account_id'], 'ids of Accounts'),
  ids('ledger_fact', ['practitioner', 'department', 'drawer', 'number'], 'ids of what reports tell apart'),
  ids('patient_merge', ['source_id', 'target_id', 'task_id'], 'ids of who was merged into whom'),
  ids('printed_document', ['id'], 'ids of what was printed'),
  ids('place', ['id', 'organization_id', 'part_of'], 'ids of Locations'),
  ids('schedule_actor', ['schedule_id', 'actor_id'], 'ids of Schedules and whose they are'),
  ids('leave', ['schedule_id', 'slot_id'], 'ids of Slots that nobody may have'),
  ids('queue_counter', ['practitioner'], 'ids of whose queue it is'),
  ids('account', ['practitioner', 'departments'], 'ids of the person in FHIR'),
  ids('access_token', ['patient', 'encounter'], 'ids of the record that is open'),
  ids('app_grant', ['patient', 'encounter', 'intent'], 'ids of the record that is open'),
  ids('smart_launch', ['patient', 'encounter', 'intent'], 'ids of the record an EHR has open'),
  {
    table: 'range_value',
    columns: ['low', 'high'],
    holds: 'numbers and amounts, without what they measure',
    why: 'compared in order by PostgreSQL; keyed tokens have no order',
  },
  {
    table: 'code_system',
    columns: ['url', 'version', 'title', 'resource_id', 'properties', 'value_set', 'supplements'],
    holds: "a tenant's own code systems",
    why: terminology,
  },
  { table: 'concept', columns: ['code', 'display', 'key', 'detail'], holds: 'their concepts', why: terminology },
  { table: 'concept_set', columns: ['key'], holds: 'properties by which concepts are told apart', why: terminology },
  { table: 'value_set', columns: ['url', 'version', 'resource_id', 'content'], holds: 'value sets', why: terminology },
  {
    table: 'concept_map',
    columns: ['url', 'version', 'resource_id', 'source', 'target', 'groups'],
    holds: 'concept maps',
    why: terminology,
  },
  {
    table: 'concept_map_element',
    columns: ['source_system', 'source_code', 'target_system', 'target_code', 'detail'],
    holds: 'their pairs of codes, with what is said of them',
    why: terminology,
  },
  {
    table: 'client',
    columns: [
      'client_id',
      'client_uri',
      'logo_uri',
      'launch_url',
      'redirect_uris',
      'post_logout_redirect_uris',
      'origins',
      'jwks',
      'jwks_uri',
      'scope',
      'fhir_user',
      'roles',
    ],
    holds: 'addresses, keys and scopes of apps; their names and contacts are sealed',
    why: signIn,
  },
  {
    table: 'identity_provider',
    columns: ['issuer', 'display', 'client_id', 'scopes'],
    holds: "the clinic's identity providers; their secrets are sealed",
    why: signIn,
  },
  { table: 'identity', columns: ['issuer'], holds: 'which provider knows an account', why: signIn },
  {
    table: 'role',
    columns: ['name', 'slug', 'grants'],
    holds: "the clinic's own roles",
    why: 'of the clinic, not of people',
  },
  {
    table: 'setting',
    columns: ['value'],
    holds: "the clinic's settings, message templates among them",
    why: 'read by workers and SQL; of the clinic, not of people',
  },
  { table: 'tenant', columns: ['name', 'display'], holds: "the clinic's name", why: 'part of its addresses' },
  {
    table: 'number_series',
    columns: ['code', 'pattern'],
    holds: "the clinic's patterns of numbers",
    why: 'numbers are made in the database; of the clinic, not of people',
  },
  {
    table: 'free_number',
    columns: ['code'],
    holds: 'which series a free number is of',
    why: 'numbers are made in the database',
  },
];
