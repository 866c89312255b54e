// The commands by which an operator keeps and brings back a server; with other moments and keys: commands.long.test.ts.

import { operateBackups } from './operator-commands.ts';

operateBackups({ isWhole: false });
