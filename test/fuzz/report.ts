// What a run of the fuzzer tells: how many inputs came how far, what was answered, and what must not have happened.

import { table } from '../bench/report.ts';
import type { Campaign, Failure } from './campaign.ts';
import { stages } from './target.ts';

export function tableOf(campaigns: readonly Campaign[]): string {
  const head = [
    'Target',
    'inputs',
    'per s',
    'parsed',
    'validated',
    'SQL',
    'stored',
    '2xx',
    '3xx',
    '4xx',
    '5xx',
    'crashes',
    'stall ms',
  ];
  return table([head, ...campaigns.map(rowOf), totalOf(campaigns)]).join('\n');
}

function rowOf(campaign: Campaign): string[] {
  const { target, inputs, seconds, serverErrors, crashes, stallMs } = campaign;
  return [
    target,
    inputs.toLocaleString('en'),
    Math.round(inputs / seconds).toLocaleString('en'),
    ...sharesOf(campaign),
    ...[200, 300, 400].map((from) => String(answered(campaign, from))),
    ...[serverErrors, crashes, Math.round(stallMs)].map(String),
  ];
}

/** Of the inputs that came at least so far; a stage that the target does not have is empty. */
function sharesOf({ byStage, inputs }: Campaign): string[] {
  return stages.slice(1).map((_, index) => {
    const reached = stages.slice(index + 1).reduce((sum, stage) => sum + byStage[stage], 0);
    return reached === 0 ? '' : `${Math.round((100 * reached) / inputs)} %`;
  });
}

function answered({ byStatus }: Campaign, from: number): number {
  return Object.entries(byStatus).reduce(
    (sum, [status, count]) => sum + (Math.floor(Number(status) / 100) * 100 === from ? count : 0),
    0,
  );
}

function totalOf(campaigns: readonly Campaign[]): string[] {
  const sum = (of: (campaign: Campaign) => number) => campaigns.reduce((total, campaign) => total + of(campaign), 0);
  const inputs = sum((one) => one.inputs);
  const shares = stages.slice(1).map((_, index) => {
    const reached = sum(({ byStage }) => stages.slice(index + 1).reduce((total, stage) => total + byStage[stage], 0));
    return `${Math.round((100 * reached) / inputs)} %`;
  });
  return [
    ...[
      'all',
      inputs.toLocaleString('en'),
      Math.round(inputs / sum((one) => one.seconds)).toLocaleString('en'),
      ...shares,
    ],
    ...[200, 300, 400].map((from) => String(sum((one) => answered(one, from)))),
    ...[
      sum((one) => one.serverErrors),
      sum((one) => one.crashes),
      Math.round(Math.max(...campaigns.map((one) => one.stallMs))),
    ].map(String),
  ];
}

export function failuresOf(campaigns: readonly Campaign[]): string[] {
  return campaigns.flatMap(({ target, failures }) => failures.map((failure) => failureText(target, failure)));
}

/** With how to see it again. */
export function failureText(target: string, { what, input, seed, stack }: Failure): string {
  const again = `npm run fuzz -- --target ${target} --seed ${seed} --inputs 1000`;
  return [`${target}: ${what}`, `  input: ${input}`, `  again: ${again}`, stack].join('\n');
}
