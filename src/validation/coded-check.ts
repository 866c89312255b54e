// Required bindings of concepts: https://hl7.org/fhir/R4/terminologies.html#required

import type { ValueSetMembers } from '../fhir/definitions.ts';
import type { CodeGrammar } from '../terminology/code-grammars.ts';
import type { Check } from './keywords.ts';

/** A concept has at least one coding of the value set; a Coding is one. An extension may stand instead and say why not. */
export function codedCheck(members: ValueSetMembers | CodeGrammar): Check {
  const isMember = memberTest(members);
  return {
    matches: (value) => {
      const { coding, extension, text, system, code } = value as ConceptNode;
      if (coding === undefined && system === undefined && code === undefined) {
        return extension !== undefined && text === undefined;
      }
      return Array.isArray(coding) ? coding.some((one) => isObject(one) && isMember(one)) : isMember({ system, code });
    },
  };
}

interface CodingNode {
  readonly system?: unknown;
  readonly code?: unknown;
}

interface ConceptNode extends CodingNode {
  readonly coding?: unknown;
  readonly extension?: unknown;
  readonly text?: unknown;
}

export function memberTest(members: ValueSetMembers | CodeGrammar): (coding: CodingNode) => boolean {
  if (!('codes' in members)) {
    return ({ system, code }) => system === members.system && typeof code === 'string' && members.matches(code);
  }
  const { codes, systems, bySystem } = members;
  if (bySystem) return ({ system, code }) => bySystem.get(system as string)?.has(code as string) === true;
  return ({ system, code }) => codes.has(code as string) && systems.includes(system as string);
}

function isObject(value: unknown): value is CodingNode {
  return typeof value === 'object' && value !== null;
}
