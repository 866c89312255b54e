// Every type with a canary in every element, through each door of the REST API: https://hl7.org/fhir/R4/http.html

import type { Coding, Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../../src/fhir/definitions.ts';
import { serializeXml } from '../../src/fhir/xml/serialize-xml.ts';
import type { Validate } from '../../src/validation/validate.ts';
import { valuesThatFind } from '../api/capabilities-queries.ts';
import type { TestResponse } from '../support/server.ts';
import type { ElementWords } from './element-words.ts';
import { type Planted, plantElements, takeOut } from './plant-elements.ts';
import type { Request } from './stored-traffic.ts';

/** A tenant's own terminology is stored readable (README, What is readable). */
const readableTypes: ReadonlySet<string> = new Set(['CodeSystem', 'ValueSet', 'ConceptMap']);

export interface ElementOptions {
  readonly request: Request;
  readonly definitions: Definitions;
  readonly validate: Validate;
  readonly words: ElementWords;
  /** Of what is stored readable by design. */
  readonly readable: ElementWords;
  readonly types: readonly string[];
  readonly variants: number;
  progress(text: string): void;
}

export interface ElementResult {
  /** `Type.path` of every text that was stored and read again. */
  readonly stored: ReadonlySet<string>;
  readonly resources: number;
  readonly searches: number;
  /** Types no client may write. */
  readonly serversOwn: ReadonlySet<string>;
  /** What did not do what it should; a proof has none. */
  readonly faults: readonly string[];
}

const parallel = 6;
const triesMax = 8;

export async function storeElements(options: ElementOptions): Promise<ElementResult> {
  const walk = new Walk(options);
  const rest = options.types.entries();
  let done = 0;
  const work = async () => {
    for (const [index, type] of rest) {
      await walk.walkType(type, index);
      done += 1;
      if (done % 20 === 0) options.progress(`elements of ${done} of ${options.types.length} types stored`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return walk;
}

type Send = (planted: Planted) => Promise<TestResponse>;

class Walk implements ElementResult {
  readonly stored = new Set<string>();
  readonly serversOwn = new Set<string>();
  readonly faults: string[] = [];
  resources = 0;
  searches = 0;
  readonly #options: ElementOptions;
  readonly #doors: readonly (readonly [name: string, send: Send])[];

  constructor(options: ElementOptions) {
    this.#options = options;
    const { request, definitions } = options;
    const tagOf = ({ resource }: Planted) => {
      const { system = '', code = '' } = resource.meta?.tag?.at(-1) ?? {};
      return `_tag=${encodeURIComponent(`${system}|${code}`)}`;
    };
    const bundle = (type: string, planted: Planted, more: object) => {
      const { resource } = planted;
      const entry = [{ resource, request: { method: 'POST', url: resource.resourceType, ...more } }];
      return request('POST', '', { resourceType: 'Bundle', type, entry });
    };
    const xml = { 'Content-Type': 'application/fhir+xml', Accept: 'application/fhir+json' };
    const at = ({ resource }: Planted) => `/${resource.resourceType}`;
    this.#doors = [
      ['create', (planted) => request('POST', at(planted), planted.resource)],
      ['create in XML', (planted) => request('POST', at(planted), serializeXml(planted.resource, definitions), xml)],
      ['transaction', (planted) => bundle('transaction', planted, { ifNoneExist: tagOf(planted) })],
      [
        'update as create',
        (planted) => {
          const id = options.readable.wordOf(`${planted.resource.resourceType}.id`);
          return request('PUT', `${at(planted)}/${id}`, { ...planted.resource, id });
        },
      ],
      ['batch', (planted) => bundle('batch', planted, {})],
      [
        'conditional create',
        (planted) => request('POST', at(planted), planted.resource, { 'If-None-Exist': tagOf(planted) }),
      ],
      ['conditional update', (planted) => request('PUT', `${at(planted)}?${tagOf(planted)}`, planted.resource)],
    ];
  }

  async walkType(type: string, index: number): Promise<void> {
    const { definitions, validate, variants } = this.#options;
    const words = this.#wordsOf(type);
    let first: Resource | undefined;
    for (let variant = 0; variant < variants && !this.serversOwn.has(type); variant++) {
      const planted = plantElements(definitions, validate, words, type, variant);
      if (!planted) continue;
      // By which conditions tell the variants apart.
      const code = words.wordOf(`${type}.meta.tag.code of variant ${variant}`);
      tag(planted.resource, { system: 'urn:canary:variant', code });
      const door = this.#doors[variant === 0 ? 0 : (index + variant) % this.#doors.length]!;
      const stored = await this.#store(planted, ...door);
      first ??= stored;
    }
    if (first === undefined) return;
    await this.#searchFor(first);
    await this.#change(first);
  }

  #wordsOf(type: string): ElementWords {
    return readableTypes.has(type) ? this.#options.readable : this.#options.words;
  }

  /** Takes out what the clinic's rules refuse, until the rest is taken; gives what is stored. */
  async #store(planted: Planted, door: string, send: Send): Promise<Resource | undefined> {
    const { resourceType: type } = planted.resource;
    for (let attempt = 0; attempt < triesMax; attempt++) {
      const answer = await send(planted);
      if (answer.status === 403 || answer.status === 405) {
        // A Provenance is never written with an id of the client's.
        if (door === 'create') this.serversOwn.add(type);
        return undefined;
      }
      const { status, issue = [], id } = resultOf(answer);
      if (status === 200 || status === 201) return await this.#readAgain(planted, id, door);
      const within = issue.map(({ expression = [] }) => ({
        expression: expression.map((text) => text.replace(/^Bundle\.entry\[0\]\.resource/, type)),
      }));
      // The clinic's rules take one of a kind, such as an Encounter of an Appointment, and an earlier variant is it.
      if (status === 409 && door !== 'create') return undefined;
      if (takeOut(planted, within)) continue;
      this.faults.push(`${door} of ${type}: ${status} ${issue[0]?.diagnostics ?? ''}`.slice(0, 300));
      return undefined;
    }
    this.faults.push(`${door} of ${type}: refused too often`);
    return undefined;
  }

  async #readAgain({ resource, leaves }: Planted, id: string, door: string): Promise<Resource> {
    const { resourceType: type } = resource;
    const answer = await this.#options.request('GET', `/${type}/${id}`, undefined, { Accept: 'application/fhir+json' });
    this.resources += 1;
    for (const { path, text } of leaves) {
      if (answer.text.includes(JSON.stringify(text).slice(1, -1))) this.stored.add(path);
      else this.faults.push(`${path} is not in what was stored by ${door}`);
    }
    return answer.json;
  }

  /** By each parameter that reads a text from it, with GET and with POST. */
  async #searchFor(resource: Resource): Promise<void> {
    const { definitions, request } = this.#options;
    const { resourceType: type } = resource;
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    for (const [name, { type: kind, expression }] of definitions.searchParameters(type)) {
      if (!['string', 'token', 'uri', 'reference', 'composite', 'quantity'].includes(kind)) continue;
      if (expression === undefined || expression === '') continue;
      const found = valuesThatFind(definitions, { name, type: kind, expression }, resource).find((one) =>
        /Cnry/.test(one),
      );
      if (found === undefined) continue;
      const query = new URLSearchParams([[name, found]]).toString();
      const answers = [
        await request('GET', `/${type}?${query}`),
        await request('POST', `/${type}/_search`, query, form),
      ];
      this.searches += answers.length;
      for (const { status, text } of answers) {
        if (status !== 200) this.faults.push(`${type}?${name}: ${status}`);
        else if (!text.includes(resource.id!)) this.faults.push(`${type}?${name} finds nothing`);
      }
    }
  }

  /** Three kinds of patch, the versions, and the end of it. */
  async #change({ resourceType: type, id }: Resource): Promise<void> {
    const { request } = this.#options;
    const place = `/${type}/${id}`;
    const words = this.#wordsOf(type);
    const source = (how: string) => `urn:canary:${words.wordOf(`${type}.meta.source by ${how}`)}`;
    const add = [{ op: 'replace', path: '/meta/source', value: source('JSON Patch') }];
    const parameters = (valueUri: string) => ({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'replace' },
            { name: 'path', valueString: `${type}.meta.source` },
            { name: 'value', valueUri },
          ],
        },
      ],
    });
    const asXml = serializeXml(parameters(source('FHIRPath Patch in XML')), this.#options.definitions);
    const answers: [string, TestResponse][] = [
      ['JSON Patch', await request('PATCH', place, add, { 'Content-Type': 'application/json-patch+json' })],
      ['FHIRPath Patch', await request('PATCH', place, parameters(source('FHIRPath Patch')))],
      ['FHIRPath Patch in XML', await request('PATCH', place, asXml, { 'Content-Type': 'application/fhir+xml' })],
      ['history', await request('GET', `${place}/_history`)],
      ['history of the type', await request('GET', `/${type}/_history?_count=5`)],
      ['version in XML', await request('GET', `${place}/_history/1?_format=xml`)],
      // Terminology stays, so that it is in its tables when they are looked at.
      ...(readableTypes.has(type) ? [] : [['delete', await request('DELETE', place)] as [string, TestResponse]]),
    ];
    for (const [what, { status, json }] of answers) {
      // A Provenance is written once and never changed.
      if (status >= 300 && status !== 405)
        this.faults.push(`${what} of ${type}: ${status} ${json?.issue?.[0]?.diagnostics ?? ''}`.slice(0, 250));
    }
  }
}

/** In place: what takes texts out again knows where they are. */
function tag(resource: Resource, coding: Coding): void {
  resource.meta ??= {};
  resource.meta.tag ??= [];
  resource.meta.tag.push(coding);
}

interface Outcome {
  readonly status: number;
  readonly id: string;
  readonly issue?: { readonly expression?: string[]; readonly diagnostics?: string }[];
}

/** Of a resource, or of the only entry of a Bundle. */
function resultOf({ status, json, headers }: TestResponse): Outcome {
  const response = json?.resourceType === 'Bundle' ? json.entry?.[0]?.response : undefined;
  const location: string = response?.location ?? headers.get('Location') ?? headers.get('Content-Location') ?? '';
  const id = /\/([^/]+)\/_history\//.exec(location)?.[1] ?? json?.id ?? '';
  return {
    status: response ? Number(response.status.slice(0, 3)) : status,
    issue: response?.outcome?.issue ?? json?.issue,
    id,
  };
}
