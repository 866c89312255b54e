// Runs a bench so that nothing of it is left, however it ends.

import { serverErrors } from './processes.ts';

export interface BenchRun {
  readonly dataDir: string;
  bench(): Promise<void>;
  cleanUp(): Promise<void>;
}

export async function runBench({ dataDir, bench, cleanUp }: BenchRun): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  }
  try {
    await bench();
  } catch (error) {
    // The log may go away with the data directory.
    console.error(serverErrors(dataDir));
    throw error;
  } finally {
    await cleanUp();
  }
}
