// Anchors as lines of JSON: each is a whole head with its signature, so that it proves something wherever it is kept.

import type { AnchorTarget } from '../../gateways/anchor-target.ts';
import type { Head } from './head.ts';

export function anchorLine({ tenantId, size, root, prevHash, at, key, signature }: Head): string {
  return JSON.stringify({
    ...{ tenant: tenantId, size, root: root.toString('hex'), prev: prevHash.toString('hex') },
    ...{ at: at.toISOString(), key, signature: signature.toString('base64') },
  });
}

export interface Anchors {
  /**
   * By tenant, in their order: the last one, and before it each that was followed by a smaller tree. A sound one has one:
   * the tree only grows.
   */
  readonly byTenant: ReadonlyMap<number, readonly Head[]>;
  /** Lines that are no anchor, by number. */
  readonly broken: readonly number[];
}

export async function readAnchors(target: AnchorTarget): Promise<Anchors> {
  const byTenant = new Map<number, Head[]>();
  const broken: number[] = [];
  let number = 0;
  for await (const line of target.read()) {
    number += 1;
    const head = parseAnchor(line);
    if (!head) broken.push(number);
    else keep(byTenant, head);
  }
  return { byTenant, broken };
}

function keep(byTenant: Map<number, Head[]>, head: Head): void {
  const kept = byTenant.get(head.tenantId);
  const last = kept?.at(-1);
  if (!kept || !last) byTenant.set(head.tenantId, [head]);
  else if (head.size > last.size) kept[kept.length - 1] = head;
  else if (!isSame(head, last)) kept.push(head);
}

function isSame(one: Head, other: Head): boolean {
  return one.size === other.size && one.root.equals(other.root) && one.signature.equals(other.signature);
}

const syntax =
  /^\{"tenant":(?<tenant>\d+),"size":(?<size>\d+),"root":"(?<root>[0-9a-f]{64})","prev":"(?<prev>[0-9a-f]*)","at":"(?<at>[0-9TZ:.-]{24})","key":"(?<key>[\w-]{43})","signature":"(?<signature>[\w+/=]{88})"\}$/;

/** Undefined for what is no anchor, as half a line that a crash left. */
export function parseAnchor(line: string): Head | undefined {
  const parts = syntax.exec(line)?.groups;
  if (!parts) return undefined;
  const { tenant, size, root = '', prev = '', at = '', key = '', signature = '' } = parts;
  return {
    ...{ tenantId: Number(tenant), size: Number(size), root: Buffer.from(root, 'hex') },
    ...{ prevHash: Buffer.from(prev, 'hex'), at: new Date(at), key, signature: Buffer.from(signature, 'base64') },
  };
}
