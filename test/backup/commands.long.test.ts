// All that an operator does with backups, by the commands themselves: README, Real use 10; fault 37.

import { operateBackups } from './operator-commands.ts';

operateBackups({ isWhole: true });
