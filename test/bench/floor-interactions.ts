// What the floor answers: parse, encrypt and insert, or select and decrypt, each in one transaction.

import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { newId } from '../../src/fhir/ids.ts';
import { bodyContext } from '../../src/repository/stored-version.ts';
import { createRowMaker, type Named, stamp } from './floor-rows.ts';
import * as sql from './floor-statements.ts';
import type { FloorDatabase, Row } from './floor-trip.ts';

export interface FloorAnswer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly etag?: number | string;
  readonly location?: string;
}

interface Sent {
  readonly resourceType: string;
}

export function createFloorInteractions(cipher: TenantCipher, database: FloorDatabase, named: Named) {
  const rowsOf = createRowMaker(cipher, named);
  const open = ([type, id, version, box]: Row) =>
    cipher.open(
      Buffer.from((box as string).slice(2), 'hex'),
      bodyContext(type as string, id as string, Number(version)),
    );
  const searchset = (rows: readonly Row[]): FloorAnswer => {
    const entries = rows.map((row) => `{"fullUrl":"${row[0]}/${row[1]}","resource":${open(row)}}`);
    return { status: 200, body: `{"resourceType":"Bundle","type":"searchset","entry":[${entries}]}` };
  };
  return {
    async create(body: string): Promise<FloorAnswer> {
      const resource = stamp(JSON.parse(body) as Sent, newId(Date.now()));
      const json = JSON.stringify(resource);
      await database.transaction(sql.insertOne(rowsOf(resource, json, 'create')));
      const { resourceType, id } = resource;
      return { status: 201, etag: 1, location: `${resourceType}/${id}/_history/1`, body: json };
    },

    async read(type: string, id: string): Promise<FloorAnswer> {
      const [row] = await database.query(sql.read(type, id));
      return { status: 200, etag: row?.[2] ?? '', body: open(row as Row) };
    },

    /** The encryption is bound to the version, so the current one must be known first: two trips. */
    async update(id: string, body: string): Promise<FloorAnswer> {
      const sent = JSON.parse(body) as Sent;
      let json = '';
      await database.queryThen(sql.lock(sent.resourceType, id), ([row]) => {
        const resource = stamp(sent, id, Number(row?.[0]) + 1);
        json = JSON.stringify(resource);
        return sql.replaceOne(rowsOf(resource, json, 'update'));
      });
      return { status: 200, body: json };
    },

    async findByIdentifier(type: string, identifier: string): Promise<FloorAnswer> {
      const token = cipher.tokenOf(`${type}.identifier|${identifier}`);
      return searchset(await database.query(sql.findByToken(type, token)));
    },

    async schedule(practitioner: string, day: string): Promise<FloorAnswer> {
      const texts = [`Appointment.practitioner|${practitioner}`, `Appointment.date|${day}`];
      return searchset(await database.query(sql.schedule(texts.map(cipher.tokenOf))));
    },

    async transaction(body: string): Promise<FloorAnswer> {
      const ids = new Map<string, string>();
      const resources = (JSON.parse(body) as { entry: { fullUrl: string; resource: Sent }[] }).entry.map((entry) => {
        const resource = stamp(entry.resource, newId(Date.now()));
        ids.set(entry.fullUrl, `${resource.resourceType}/${resource.id}`);
        return resource;
      });
      const rows = resources.map((resource) => {
        const json = JSON.stringify(resource).replace(/urn:uuid:[0-9a-f-]{36}/g, (urn) => ids.get(urn) as string);
        return rowsOf(resource, json, 'create');
      });
      await database.transaction(sql.insertMany(rows));
      const answers = resources.map(
        ({ resourceType, id }) => `{"response":{"status":"201 Created","location":"${resourceType}/${id}/_history/1"}}`,
      );
      return { status: 200, body: `{"resourceType":"Bundle","type":"transaction-response","entry":[${answers}]}` };
    },
  };
}
