// What the fuzzer sends its inputs to, and how far an input may come there.

import type fc from 'fast-check';
import { FhirError } from '../../src/fhir/outcome.ts';

/** In the order in which an input passes them. */
export const stages = ['refused', 'parsed', 'validated', 'sql', 'stored'] as const;
export type Stage = (typeof stages)[number];

export interface Outcome {
  /** As HTTP would say it. */
  readonly status: number;
  readonly stage: Stage;
}

/** `Input` is what JSON can hold, so that every input can be kept in a file and made smaller. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** Of a thousand inputs of a run over all targets. */
  readonly share: number;
  /** At least half of them are made by the grammar of what is read here. */
  readonly inputs: fc.Arbitrary<Input>;
  /** Of an input that was made smaller: whether it is one still. */
  readonly isInput?: (input: Input) => boolean;
  /** Throws for what must not be: anything that is no refusal. */
  run(input: Input): Outcome | Promise<Outcome>;
}

type Reach = (stage: Stage) => void;

/** A refusal of the server is an answer, at the stage that `work` has said to have reached; whatever else is thrown is a fault. */
export function attempt(work: (reach: Reach) => Outcome): Outcome {
  let reached: Stage = 'refused';
  try {
    return work((stage) => {
      reached = stage;
    });
  } catch (error) {
    return refusalOf(error, reached);
  }
}

export async function attemptLater(work: (reach: Reach) => Promise<Outcome>): Promise<Outcome> {
  let reached: Stage = 'refused';
  try {
    return await work((stage) => {
      reached = stage;
    });
  } catch (error) {
    return refusalOf(error, reached);
  }
}

function refusalOf(error: unknown, stage: Stage): Outcome {
  if (error instanceof FhirError) return { status: error.status, stage };
  throw error;
}

/** A target among others: what it is given is what it has made. */
export function asTarget<Input>(target: Target<Input>): Target {
  return target as Target;
}
