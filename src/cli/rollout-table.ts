/** Rollouts as tables for people. Pure: values in, text out. */
import type { RolloutAnswer, RolloutGatewayAnswer } from './rollout-answers.ts';
import { agoInWords, harmless, table } from './words.ts';
import { wrap } from './wrap.ts';

const STATES = [
  'waiting',
  'told',
  'taken',
  'watched',
  'done',
  'failed',
  'silent',
  'unhealthy',
  'left',
  'cancelled',
] as const;
/** States worth a line of their own, whatever was asked for. */
const WRONG = ['failed', 'silent', 'unhealthy', 'left'];
/** Gateways that are listed when not all are asked for. */
const WRONG_SHOWN_MAX = 20;
const BAR_CELLS = 40;

/** One line a rollout. */
export function rolloutTable(rollouts: readonly RolloutAnswer[], now_ms: number): string {
  const rows = rollouts.map((each) => [
    String(each.id),
    harmless(each.name),
    harmless(each.product),
    each.state,
    `${each.stage + 1} of ${each.stages.length}`,
    `${each.counts['done'] ?? 0} of ${each.total}`,
    String(wrongIn(each.counts)),
    agoInWords(each.created_ms, now_ms),
  ]);
  return table([['ID', 'NAME', 'PRODUCT', 'STATE', 'STAGE', 'DONE', 'WRONG', 'CREATED'], ...rows]);
}

function wrongIn(counts: Readonly<Record<string, number>>): number {
  return ['failed', 'silent', 'unhealthy'].reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/** One rollout: what it is, a row a stage, and gateways with their reasons. */
export function rolloutSheet(
  rollout: RolloutAnswer,
  gateways: readonly RolloutGatewayAnswer[],
  options: { all: boolean; now_ms: number },
): string {
  const { id, name, product, state, names, why } = rollout;
  const head = `Rollout ${id}: ${harmless(name)} (${harmless(names.join(', '))}) on ${harmless(product)}, ${state}\n`;
  const reason = why === '' ? '' : wrap(harmless(why), 2);
  const parts = [head + reason, bar(rollout), stageTable(rollout, gateways)];
  return [...parts, gatewayList(gateways, options)].filter((part) => part !== '').join('\n');
}

function bar({ counts, total }: RolloutAnswer): string {
  const cells = (count: number) => (total === 0 ? 0 : Math.round((BAR_CELLS * count) / total));
  const done = cells(counts['done'] ?? 0);
  const wrong = Math.min(BAR_CELLS - done, cells(wrongIn(counts)));
  const rest = BAR_CELLS - done - wrong;
  return `[${'#'.repeat(done)}${'!'.repeat(wrong)}${'.'.repeat(rest)}] ${counts['done'] ?? 0} of ${total} done\n`;
}

function stageTable({ stages, stage }: RolloutAnswer, gateways: readonly RolloutGatewayAnswer[]): string {
  const used = STATES.filter((state) => gateways.some((each) => each.state === state));
  const rows = stages.map((reach, index) => {
    const those = gateways.filter((each) => each.stage === index);
    const counts = used.map((state) => those.filter((each) => each.state === state).length);
    const mark = index === stage ? '>' : '';
    return [
      mark,
      `${index + 1} (${reach})`,
      String(those.length),
      ...counts.map((n) => (n === 0 ? '' : String(n))),
    ];
  });
  return table([['', 'STAGE', 'GATEWAYS', ...used.map((state) => state.toUpperCase())], ...rows]);
}

function gatewayList(
  gateways: readonly RolloutGatewayAnswer[],
  { all, now_ms }: { all: boolean; now_ms: number },
): string {
  const wrong = gateways.filter(({ state }) => WRONG.includes(state));
  const shown = all ? gateways : wrong.slice(0, WRONG_SHOWN_MAX);
  if (shown.length === 0) return '';
  const rows = shown.map((each) => [
    harmless(each.serial),
    each.state,
    agoInWords(each.since_ms, now_ms),
    harmless(each.why).replace(/\s*\n\s*/g, ' '),
  ]);
  const more = all ? 0 : wrong.length - shown.length;
  const tail = more > 0 ? `and ${more} more: gwe rollout show ID --gateways\n` : '';
  return `${table([['GATEWAY', 'STATE', 'SINCE', 'WHY'], ...rows])}${tail}`;
}
