// The restricted FHIRPath of discriminators: https://hl7.org/fhir/R4/profiling.html#discriminator

export type DiscriminatorStep =
  | { readonly kind: 'element'; readonly name: string }
  | { readonly kind: 'extension'; readonly url: string }
  | { readonly kind: 'ofType'; readonly type: string }
  | { readonly kind: 'resolve' };

const step =
  /(?:^|\.)(?:(\$this)|resolve\(\)|extension\('([^']{1,500})'\)|ofType\((?:FHIR\.)?([A-Za-z]{1,64})\)|([a-z][A-Za-z0-9]{0,63}))/y;

/** `$this` is no step. Undefined for what is not in the restricted language. */
export function parseDiscriminator(path: string): DiscriminatorStep[] | undefined {
  const steps: DiscriminatorStep[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (!match) return undefined;
    const [, self, url, type, name] = match;
    if (self !== undefined) continue;
    if (url !== undefined) steps.push({ kind: 'extension', url });
    else if (type !== undefined) steps.push({ kind: 'ofType', type });
    else steps.push(name === undefined ? { kind: 'resolve' } : { kind: 'element', name });
  }
  return path === '' ? undefined : steps;
}
