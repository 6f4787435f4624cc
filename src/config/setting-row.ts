/** A row of the table of settings, and how rows are written down. */

interface Described {
  /** One sentence for people: help, docs and the error for a bad value. */
  readonly sentence: string;
  /** Of the number: s, bytes, percent … */
  readonly unit?: string;
}

/** One setting: what it may be, what it is unless set, and a sentence about it. */
export type Row =
  | (Described & {
      readonly type: 'integer';
      readonly default: number;
      readonly min: number;
      readonly max: number;
    })
  | (Described & {
      readonly type: 'text';
      readonly default: string;
      /** What a value that is not empty must look like, and that in words. */
      readonly pattern?: RegExp;
      readonly expected?: string;
    })
  | (Described & { readonly type: 'switch'; readonly default: boolean })
  | (Described & { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] });

/** A whole number. */
export const integer = (default_: number, min: number, max: number, unit: string, sentence: string) =>
  ({ type: 'integer', default: default_, min, max, unit, sentence }) as const;

/** Text on one line. */
export const text = (default_: string, sentence: string) =>
  ({ type: 'text', default: default_, sentence }) as const;

/** On or off. */
export const onOff = (default_: boolean, sentence: string) =>
  ({ type: 'switch', default: default_, sentence }) as const;
