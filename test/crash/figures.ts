/** Adding up what came of many points, and saying it. */
import type { Outcome } from './matrix.ts';

export interface Figures {
  points: number;
  violations: string[];
  /** Runs of a script that had ended already, in the instant before that was noted: by script. */
  doubles: Map<string, number>;
  slowest: { recovery_ms: number; point: string };
}

export function noFigures(): Figures {
  return { points: 0, violations: [], doubles: new Map(), slowest: { recovery_ms: 0, point: 'none' } };
}

/** Counts one point in. */
export function count(figures: Figures, { point, violations, doubles, recovery_ms }: Outcome): void {
  figures.points += 1;
  figures.violations.push(...violations.map((violation) => `${point}: ${violation}`));
  for (const script of doubles) figures.doubles.set(script, (figures.doubles.get(script) ?? 0) + 1);
  if (recovery_ms > figures.slowest.recovery_ms) figures.slowest = { recovery_ms, point };
}

/** One line for a person. */
export function inWords(title: string, { points, violations, doubles, slowest }: Figures): string {
  const twice = [...doubles.values()].reduce((sum, each) => sum + each, 0);
  const times = [...doubles].map(([script, times]) => `${script} ${times}`).join(', ');
  return (
    `${title}: ${points} points, ${violations.length} violations, ${twice} scripts run again in the instant after their ` +
    `end${times === '' ? '' : ` (${times})`}, slowest recovery ${(slowest.recovery_ms / 1000).toFixed(1)} s (${slowest.point})`
  );
}
