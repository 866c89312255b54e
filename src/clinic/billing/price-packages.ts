// Packages: definitions that name another one as `partOf` cost nothing beside it, for its one price holds them (domain.md 6).

import type { CodeableConcept } from '@medplum/fhirtypes';
import type { PricedCharge } from './price-charge.ts';

/** Those that are parts of a package on the same Invoice, at nothing. Each package holds each of its parts once. */
export function inPackages(all: readonly (PricedCharge | undefined)[]): (PricedCharge | undefined)[] {
  const charges = all.filter((one) => one !== undefined);
  const sold = Map.groupBy(charges, ({ price }) => price.id);
  const byCanonical = new Map(
    charges.flatMap((one) => [[one.price.url, one] as const, [one.price.canonical, one] as const]),
  );
  const taken = new Map<string, number>();
  return all.map((part) => {
    const canonical = part?.price.packages.find((one) => byCanonical.has(one));
    const packaged = byCanonical.get(canonical ?? '');
    if (!part || !packaged) return undefined;
    const key = `${packaged.price.id} ${part.price.id}`;
    const count = taken.get(key) ?? 0;
    if (count >= (sold.get(packaged.price.id)?.length ?? 0)) return undefined;
    taken.set(key, count + 1);
    return { price: part.price, components: [nothing({ text: textOf(packaged) })] };
  });
}

/** A base of nothing that says why. */
export function nothing(code: CodeableConcept): PricedCharge['components'][number] {
  return { type: 'base', code, factor: undefined, amountMinor: 0n };
}

function textOf({ price }: PricedCharge): string {
  const name = price.title ?? price.code?.text ?? price.code?.coding?.[0]?.display;
  return name === undefined ? 'Included in the package' : `Included in the package: ${name}`;
}
