// The options that `npm start` gives Node, for whoever starts a server as it does; package.json is their only place.

import { readFileSync } from 'node:fs';

export function startOptions(): string[] {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
