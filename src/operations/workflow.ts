// A clinic workflow as the composition root takes it: what it adds to writes, and the operations it offers (README, Modules).

import type { Module } from '../repository/module.ts';
import type { Operation } from './operation.ts';

export interface Workflow extends Module {
  readonly operations?: readonly Operation[];
}
