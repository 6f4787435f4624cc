/** What a part of the bench is, what it is handed, and what it hands back. Which parts there are is said in parts.ts. */
import type { ToolName } from './tools.ts';

export interface Part {
  name: string;
  /** What it measures, for the document. */
  sentence: string;
  /** Without these it cannot run. Those of competitors, who may be missing, are not named here. */
  needs: readonly ToolName[];
  /** Where everything temporary lies when not on a disk: for what is about neither time nor wear. */
  place?: 'memory';
  /** Run by its name it ends before two minutes are over, wherever it is then. */
  isCutShort?: true;
  run(bench: Bench): Promise<Findings>;
}

/** What a part works with. */
export interface Bench {
  /** An empty folder on a real disk, removed afterwards. */
  folder: string;
  /** `full` rounds, or fewer under --quick. */
  rounds(full: number): number;
  /** Whether it was asked for by its name, and has less than two minutes. */
  isShort: boolean;
  has(tool: ToolName): boolean;
  say(line: string): void;
  /** Does it when the part has ended, the latest first. */
  after(undo: () => unknown): void;
}

export interface Findings {
  tables: Table[];
  aims?: Aim[];
  /** What a reader has to know to judge the figures, and what could not be measured. */
  notes?: string[];
}

export interface Table {
  caption: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  plot?: Plot;
}

/** A drawing of the table: bars of one value each, or lines over sizes on logarithmic axes. */
export type Plot =
  | { kind: 'bars'; name: string; title: string; bars: readonly (readonly [label: string, value: number])[] }
  | {
      kind: 'lines';
      name: string;
      title: string;
      across: string;
      lines: readonly { label: string; points: readonly (readonly [x: number, y: number])[] }[];
    };

/** What was aimed at, and what was found. */
export interface Aim {
  what: string;
  aim: string;
  found: string;
  isMet: boolean;
}
