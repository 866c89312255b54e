// What every setting has: a value until a clinic sets one, and the values it may have.

export interface SettingRule {
  readonly byDefault: unknown;
  /** Follows "must be". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

export const isBoolean = (value: unknown) => typeof value === 'boolean';
