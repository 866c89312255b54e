// What processes tell each other on the channel `hpms_access` when a tenant has other keys than they may have loaded.

export function keyNotice(tenantId: number): string {
  return `keys ${tenantId}`;
}

/** Undefined for a notice of something else. */
export function tenantOfNotice(payload: string | undefined): number | undefined {
  const { id } = /^keys (?<id>\d{1,10})$/.exec(payload ?? '')?.groups ?? {};
  return id === undefined ? undefined : Number(id);
}
