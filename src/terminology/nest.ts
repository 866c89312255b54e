// Puts the codes of an expansion below those they are below in the code system: https://hl7.org/fhir/R4/valueset.html#expansion

import type { ValueSetExpansionContains } from '@medplum/fhirtypes';
import type { DescribedCode } from './describe-page.ts';

/** Each code stands once: below the first of its parents that is in the expansion, or at the top. */
export function nest(codes: readonly DescribedCode[]): ValueSetExpansionContains[] {
  const places = new Map(codes.map((code) => [placeOf(code), code.contains]));
  const top: ValueSetExpansionContains[] = [];
  for (const code of codes) {
    const above = (code.concept?.parents ?? []).map((parent) => places.get(placeOf(code, parent)));
    const parent = above.find((one) => one !== undefined);
    if (!parent) top.push(code.contains);
    else {
      parent.contains ??= [];
      parent.contains.push(code.contains);
    }
  }
  return top;
}

function placeOf({ system, concept, contains }: DescribedCode, id = concept?.id): string {
  return system ? `${system.origin} ${system.id} ${id}` : `${contains.system} ${contains.code}`;
}
