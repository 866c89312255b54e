// The options that `npm start` gives Node, for whoever starts a server as it does; the image and the compose file repeat them.

import { readFileSync } from 'node:fs';

export function startOptions(): string[] {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
