// What is still to be done, or to be paid, is not written for a Patient who was merged into another (domain.md section 6, Patient merge).

import type { Resource } from '@medplum/fhirtypes';
import { may } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { forEachReference, parseReference } from '../../fhir/references.ts';
import type { Change } from '../../repository/change.ts';
import type { Module, Rule } from '../../repository/module.ts';
import { rowsOf } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import { shareNaming } from './lock-naming.ts';
import { lastTargets } from './merge-rows.ts';

/**
 * By type the statuses in which a record is over: systems bring their past with them, and that names whom it named. Clinical
 * records are taken whoever they name: what a laboratory has found must not be lost.
 */
const over: Readonly<Record<string, readonly string[]>> = {
  Appointment: ['fulfilled', 'noshow', 'cancelled', 'entered-in-error'],
  Encounter: ['finished', 'cancelled', 'entered-in-error'],
  ChargeItem: ['billed', 'not-billable', 'aborted', 'entered-in-error'],
  Invoice: ['balanced', 'cancelled', 'entered-in-error'],
  PaymentReconciliation: ['cancelled', 'entered-in-error'],
};

const paymentTypeUrl = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation.type';

interface Named {
  readonly change: Change;
  readonly id: string;
  readonly expression: string;
}

type Found = ReadonlyMap<string, string>;

/** What is found belongs to the write that looked for it. */
export function createReplacedCheck(): Required<Pick<Module, 'prepare' | 'guards' | 'effects'>> {
  const asked = new WeakMap<Change, Asked>();
  const ask: Rule<void>['run'] = (changes, session) => {
    const [first] = changes;
    const named = namedBy(changes, session);
    if (!first || named.length === 0) return;
    const ids = [...new Set(named.map(({ id }) => id))];
    shareNaming(session, ids);
    // It travels with what other rules ask, so nobody waits for it here.
    const found = lastTargets(session, ids);
    found.catch(() => undefined);
    asked.set(first, { named, found });
  };
  const ruleOf = (type: string) => ({ name: 'replaced-patient', type });
  return {
    // A payment's rules ask for all they need before it is validated: what comes later would be a message under the money lock.
    prepare: [
      {
        ...ruleOf(early),
        run: (changes, session) =>
          ask(
            changes.filter((one) => isSound(one, session)),
            session,
          ),
      },
    ],
    guards: types.filter((type) => type !== early).map((type) => ({ ...ruleOf(type), run: ask })),
    effects: types.map((type) => ({
      ...ruleOf(type),
      async run(changes, session) {
        for (const change of changes) {
          const { named = [], found } = asked.get(change) ?? {};
          const targets = await found;
          if (targets && targets.size > 0) refuse(named, targets, session);
        }
        return [];
      },
    })),
  };
}

const types = Object.keys(over);
const early = 'PaymentReconciliation';

interface Asked {
  readonly named: readonly Named[];
  readonly found: Promise<Found>;
}

/** What is not valid is refused by the validation, which comes next. */
function isSound({ resource, exactNumbers }: Change, { repository }: Session): boolean {
  if (!resource) return false;
  const issues = repository.validate(resource, exactNumbers ? { exactNumbers } : {});
  return issues.every(({ severity }) => severity !== 'error' && severity !== 'fatal');
}

/** The Patients that clients name in what is not over, and that were not named before. */
function namedBy(changes: readonly Change[], session: Session): Named[] {
  return changes.flatMap((change) => {
    const { byServer, resource, oldResource } = change;
    if (byServer || !resource || isOver(resource)) return [];
    const before = oldResource ? new Set(patientsOf(oldResource, session).keys()) : undefined;
    return [...patientsOf(resource, session)]
      .filter(([id]) => !before?.has(id))
      .map(([id, expression]) => ({ change, id, expression }));
  });
}

function isOver(resource: Resource): boolean {
  const { status = '' } = resource as { readonly status?: string };
  if (over[resource.resourceType]?.includes(status)) return true;
  // What is not this clinic's money: contract.md 50.
  if (resource.resourceType === 'Invoice') return status === 'issued' && resource.lineItem === undefined;
  const { resourceType } = resource;
  return resourceType === 'PaymentReconciliation' && !resource.extension?.some(({ url }) => url === paymentTypeUrl);
}

/** With the place of each. A version of a Patient is what it was. */
function patientsOf(resource: Resource, { repository }: Session): Map<string, string> {
  const found = new Map<string, string>();
  forEachReference(repository.definitions, resource, ({ reference }, expression) => {
    const target = parseReference(reference);
    if (target.kind !== 'resource' || target.type !== 'Patient' || target.versionId !== undefined) return;
    if (!found.has(target.id)) found.set(target.id, expression);
  });
  return found;
}

/** Names the Patient who goes on to those who may read every Patient. */
function refuse(named: readonly Named[], targets: Found, session: Session): void {
  const refused = named.find(({ id }) => targets.has(id));
  if (!refused) return;
  const { change, id, expression } = refused;
  const isShown = may(session.caller, 'r', 'Patient') && !rowsOf(session, 'r', 'Patient');
  const who = isShown ? `Patient/${targets.get(id)}` : 'another Patient';
  throw fhirError('business-rule', `Patient/${id} was merged into ${who}; name that one instead.`, {
    expression,
    writeIndex: change.index,
  });
}
