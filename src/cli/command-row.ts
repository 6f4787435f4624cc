/** What a row of the command table is, and what the command it names is handed. The rows are in commands.ts. */
import type { CommandContext } from './context.ts';
import type { OptionRow, ValueKind } from './options.ts';

/** A word of a command that is not a flag. */
export interface OperandRow {
  readonly name: string;
  readonly optional?: true;
  /** The last one may come several times. */
  readonly repeats?: true;
  /** What it may be; text when left out. */
  readonly type?: ValueKind;
}

/** What was typed after the command's name, checked by its row. */
export interface CommandArgs {
  readonly operands: readonly string[];
  /** Whether a flag was given. Names are the long ones, without dashes. */
  has(long: string): boolean;
  /** The value of a flag: the last one if it came several times. */
  text(long: string): string | undefined;
  /** Every value of a flag. */
  all(long: string): readonly string[];
  /** The value of a flag whose type is an integer. */
  integer(long: string): number | undefined;
}

/** Does the command's work; returns the exit status. What it throws is explained to the user by run.ts. */
export type CommandRun = (context: CommandContext, args: CommandArgs) => Promise<number>;

export interface CommandRow {
  /** One word, or two: `status`, `content upload`. */
  readonly name: string;
  readonly group: string;
  readonly operands: readonly OperandRow[];
  readonly options: readonly OptionRow[];
  /** One sentence for help, man page and reference. */
  readonly sentence: string;
  /** Further sentences for the command's own help. */
  readonly details?: readonly string[];
  /** Whole command lines, each followed by what it does: `['gwe deploy gw-7 hello.v2.tar.gz', 'install …']`. */
  readonly examples?: ReadonlyArray<readonly [line: string, sentence: string]>;
  /** The command's module, loaded only when it is called. */
  readonly load: () => Promise<{ readonly run: CommandRun }>;
}
