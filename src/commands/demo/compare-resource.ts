// Whether a resource came back as it was sent, to the last digit: https://hl7.org/fhir/R4/http.html#transaction-response

import type { ParsedJson } from '../../fhir/json.ts';
import type { SentEntry } from './bundle-file.ts';

/** The systems whose identifiers the server gives and takes (contract.md 45). */
const serverIdentifiers = 'https://hpms.example/fhir/sid/';

type Json = Record<string, unknown>;

/**
 * Where the first difference is, as a path such as `Observation.valueQuantity.value`, never with its value. The server owns
 * `id`, `meta.versionId`, `meta.lastUpdated` and its own identifiers. `places` are the bundle's entries by fullUrl.
 */
export function findDifference(
  sent: SentEntry,
  received: ParsedJson,
  places: ReadonlyMap<string, string>,
): string | undefined {
  const type = sent.resource.resourceType;
  return (
    new Comparison(places).difference(clientsPart(sent.resource), clientsPart(received.value), type) ??
    findTextDifference(sent.exactNumbers, received.exactNumbers ?? new Map(), type)
  );
}

class Comparison {
  readonly #places: ReadonlyMap<string, string>;

  constructor(places: ReadonlyMap<string, string>) {
    this.#places = places;
  }

  difference(sent: unknown, received: unknown, at: string): string | undefined {
    if (Array.isArray(sent) && Array.isArray(received)) return this.#inArrays(sent, received, at);
    if (isObject(sent) && isObject(received)) return this.#inObjects(sent, received, at);
    return this.#isSame(sent, received, at) ? undefined : at;
  }

  #inArrays(sent: readonly unknown[], received: readonly unknown[], at: string): string | undefined {
    if (sent.length !== received.length) return at;
    return firstOf(sent.keys(), (index) => this.difference(sent[index], received[index], `${at}[${index}]`));
  }

  #inObjects(sent: Json, received: Json, at: string): string | undefined {
    const keys = new Set([...Object.keys(sent), ...Object.keys(received)]);
    return firstOf(keys, (key) => this.difference(sent[key], received[key], `${at}.${key}`));
  }

  /** A link to another entry must be rewritten in a reference, and may be in other elements that hold URLs. */
  #isSame(sent: unknown, received: unknown, at: string): boolean {
    const place = typeof sent === 'string' ? this.#places.get(sent) : undefined;
    if (place === undefined) return Object.is(sent, received);
    return received === place || (received === sent && !at.endsWith('.reference'));
  }
}

/** 1.10 must not come back as 1.1, though they are the same number: https://hl7.org/fhir/R4/datatypes.html#decimal */
function findTextDifference(
  sent: ReadonlyMap<string, string>,
  received: ReadonlyMap<string, string>,
  type: string,
): string | undefined {
  const pointer = firstOf([...sent.keys(), ...received.keys()], (one) =>
    sent.get(one) === received.get(one) ? undefined : one,
  );
  return pointer === undefined ? undefined : `${type}${pointer.replaceAll('/', '.')} (digits of a decimal)`;
}

function clientsPart(resource: unknown): Json {
  const { id, meta, identifier, ...rest } = resource as Json;
  const { versionId, lastUpdated, ...clientsMeta } = isObject(meta) ? meta : {};
  const identifiers = Array.isArray(identifier) ? identifier.filter((one) => !isServerIdentifier(one)) : identifier;
  return {
    ...rest,
    ...(Object.keys(clientsMeta).length > 0 ? { meta: clientsMeta } : {}),
    ...(Array.isArray(identifiers) && identifiers.length === 0 ? {} : { identifier: identifiers }),
  };
}

function isServerIdentifier(identifier: unknown): boolean {
  return isObject(identifier) && String(identifier.system).startsWith(serverIdentifiers);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstOf<T, R>(items: Iterable<T>, find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
