// `$validate`: what a server would say of a resource, without storing it: https://hl7.org/fhir/R4/resource-operation-validate.html

import type { Resource } from '@medplum/fhirtypes';
import { parseJson } from '../fhir/json.ts';
import { fhirError, type Issue, toOperationOutcome } from '../fhir/outcome.ts';
import { faultsOf, handDownFaults } from '../fhir/xml/kept-faults.ts';
import type { Content } from '../repository/change.ts';
import { profileIssues } from '../repository/profiles/profile-issues.ts';
import { registryOf } from '../repository/profiles/registry-of.ts';
import { read } from '../repository/read.ts';
import type { Session } from '../repository/session.ts';
import { validateCode } from '../terminology/validate-code.ts';
import { openAdviceOf } from '../validation/advice.ts';
import { issuesMax } from '../validation/issue-list.ts';
import { type AskingCheck, checkWithLookups, type Lookups } from '../validation/profiles/check-with-lookups.ts';
import type { Validate } from '../validation/validate.ts';
import type { Operation, OperationCall, OperationInputs } from './operation.ts';
import { readValidateInputs } from './validate-inputs.ts';

/** Answers 200 also where the resource is wrong: the operation itself has done its work. */
export const validate: Operation = {
  code: 'validate',
  definition: {
    id: 'Resource-validate',
    url: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
    name: 'Validate',
    title: 'Validate a resource',
    description:
      'The validate operation checks whether the attached content would be acceptable either generally, as a create, an update or as a delete to an existing resource. Without a resource, the stored one is checked.',
  },
  levels: ['type', 'instance'],
  affectsState: false,
  permission: 'r',
  parameters: [
    {
      name: 'resource',
      use: 'in',
      min: 0,
      max: 1,
      type: 'Resource',
      documentation: 'Must be present unless the mode is "delete"',
    },
    {
      name: 'mode',
      use: 'in',
      min: 0,
      max: 1,
      type: 'code',
      documentation: "Default is 'no action'; (e.g. general validation)",
    },
    {
      name: 'profile',
      use: 'in',
      min: 0,
      max: 1,
      type: 'uri',
      documentation:
        'If this is nominated, then the resource is validated against this specific profile. If a profile is nominated, and the server cannot validate against the nominated profile, it SHALL return an error',
    },
    {
      name: 'return',
      use: 'out',
      min: 1,
      max: 1,
      type: 'OperationOutcome',
      documentation:
        'If the operation outcome does not list any errors, and a mode was specified, then this is an indication that the operation would be expected to succeed (excepting for transactional integrity issues, see below)',
    },
  ],
  readBody(body, query) {
    const inputs = readValidateInputs(body, query);
    passFaults(body.resource, inputs);
    return inputs;
  },
  async run(session, call) {
    const mode = readMode(call);
    const content = await contentOf(session, call);
    const check: Validate = session.repository.validate;
    const { resource, exactNumbers } = content;
    const isGone = mode === 'delete';
    const found = isGone
      ? []
      : foundIn(resource, check(resource, { warnings: true, ...(exactNumbers && { exactNumbers }) }));
    const isSound = found.every(({ severity }) => severity !== 'error');
    const issues: Issue[] = [
      ...identityIssues(resource, call, mode),
      ...found,
      ...(isGone || !isSound ? [] : await bindingIssues(session, resource)),
      ...(isGone ? [] : await issuesOfProfiles(session, call, content)),
    ];
    return { resource: toOperationOutcome(issues.length > 0 ? issues : [allOk]) };
  },
};

/** Of XML whose resource stands in Parameters. */
function passFaults(body: Resource, inputs: OperationInputs): void {
  const resource = inputs.get('resource')?.[0]?.value;
  if (body?.resourceType !== 'Parameters' || resource === body) return;
  const index = (body.parameter ?? []).findIndex((one) => one?.resource === resource);
  handDownFaults(body, `Parameters.parameter[${index}].resource`, resource);
}

/** What its XML has no element for, and what is wrong with the rest of it, each place once. */
function foundIn(resource: Resource, issues: readonly Issue[]): Issue[] {
  const faults = faultsOf(resource);
  const places = new Set(faults.map(({ expression }) => expression?.[0]));
  const others = issues.filter(({ expression }) => !places.has(expression?.[0]));
  return [...faults, ...others].slice(0, issuesMax);
}

const allOk: Issue = {
  severity: 'information',
  code: 'informational',
  diagnostics: 'No issue was found: the resource is valid.',
};

/** https://hl7.org/fhir/R4/valueset-resource-validation-mode.html */
const modes = ['create', 'update', 'delete', 'profile'] as const;

type Mode = (typeof modes)[number];

function readMode({ inputs, id }: OperationCall): Mode | undefined {
  const given = inputs.get('mode')?.[0]?.value;
  if (given === undefined) return undefined;
  const mode = modes.find((one) => one === given);
  if (!mode) throw fhirError('invalid', `The mode of $validate is one of ${modes.join(', ')}.`);
  if (mode !== 'create' && id === '') {
    throw fhirError('invalid', `With the mode ${mode}, call $validate of the resource: [type]/[id]/$validate.`);
  }
  if (mode === 'profile' && !inputs.has('profile')) {
    throw fhirError('required', 'With the mode profile, $validate needs the parameter "profile".', { status: 400 });
  }
  return mode;
}

/** Reading tells of a deletion whether there is anything to delete. */
async function contentOf(session: Session, { type, id, inputs }: OperationCall): Promise<Content> {
  const given = inputs.get('resource')?.[0];
  if (given)
    return { resource: given.value as Resource, ...(given.exactNumbers && { exactNumbers: given.exactNumbers }) };
  if (id === '') throw fhirError('required', `$validate needs a resource: send the ${type}.`, { status: 400 });
  const { value, exactNumbers } = parseJson((await read(session, type, id)).body.toString());
  return { resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
}

/** The resource and the URL must be about the same. */
function identityIssues(resource: Resource, { type, id }: OperationCall, mode: Mode | undefined): Issue[] {
  const { resourceType, id: given } = (resource ?? {}) as { readonly resourceType?: unknown; readonly id?: unknown };
  if (typeof resourceType === 'string' && resourceType !== type) {
    return [error('invalid', `The URL names ${type}, the resourceType is another one.`, 'resourceType')];
  }
  if (mode === 'update' && id !== '' && given === undefined) {
    return [error('required', `An update needs ${type}.id, that of the URL.`, `${type}.id`)];
  }
  if (id === '' || given === undefined || given === id || mode === 'create') return [];
  return [error('value', `${type}.id must be the id in the URL.`, `${type}.id`)];
}

/** Of the one that is named, those it claims, and the one the tenant requires of every resource of the type. */
async function issuesOfProfiles(session: Session, { inputs, type }: OperationCall, content: Content): Promise<Issue[]> {
  // Of what is no resource, only the structure can be told.
  const { resourceType } = (content.resource ?? {}) as { readonly resourceType?: unknown };
  if (resourceType !== type) return [];
  const { check, required } = session.profilePolicy;
  const given = inputs.get('profile')?.map(({ value }) => value as string) ?? [];
  const demanded = check !== 'off' && Object.hasOwn(required, type) ? [required[type] as string] : [];
  const profiles = [...new Set([...given, ...demanded])];
  return (await profileIssues(session, await registryOf(session), [{ ...content, profiles }])).flat();
}

/** Of extensible and preferred bindings whose value sets only the tables of terminology know. */
async function bindingIssues({ definitions, trx }: Session, resource: Resource): Promise<Issue[]> {
  const advice: AskingCheck = ({ isMember = () => undefined }) => [...openAdviceOf(definitions, resource, isMember)];
  const lookups: Lookups = {
    resources: async () => new Map(),
    members: async (questions) => {
      const answers: (boolean | undefined)[] = [];
      for (const { valueSet, coding } of questions) {
        const verdict = await validateCode(trx, coding, valueSet);
        answers.push(verdict?.isCertain || verdict?.result ? verdict.result : undefined);
      }
      return answers;
    },
  };
  return (await checkWithLookups([advice], lookups)).flat();
}

function error(code: Issue['code'], diagnostics: string, place: string): Issue {
  return { severity: 'error', code, diagnostics, expression: [place] };
}
