// The shape of the tables of unusual resources that are valid all the same.

/** The type, and what is changed in its valid sample. A number whose text matters stands as `exact('1.00')`. */
export type UnusualRow = readonly [type: string, change: Readonly<Record<string, unknown>>];

const mark = '\ue000';

export function exact(number: string): string {
  return `${mark}${number}${mark}`;
}

/** The JSON text of a row's resource. */
export function toJson(resource: unknown): string {
  return JSON.stringify(resource).replaceAll(new RegExp(`"${mark}([^${mark}]*)${mark}"`, 'g'), '$1');
}

/** A row for each value of one element. */
export function each(
  type: string,
  changeTo: (value: never) => Readonly<Record<string, unknown>>,
  values: readonly unknown[],
): UnusualRow[] {
  return values.map((value) => [type, changeTo(value as never)]);
}
