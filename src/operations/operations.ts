// The operations of the server itself; those of a workflow are in its module.

import { meta } from './meta.ts';
import { metaAdd } from './meta-add.ts';
import { metaDelete } from './meta-delete.ts';
import type { Operation } from './operation.ts';

export const operations: readonly Operation[] = [meta, metaAdd, metaDelete];
