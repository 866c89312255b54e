// An interrupted command takes its PostgreSQL along: the hook of embedded.ts runs only when the process exits by itself.

export function exitOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
}
