/** What the platform answers about rollouts, as types, and the reading of it. Times are milliseconds since 1970. */
import { fields, list, number, text } from './answers.ts';

export interface RolloutAnswer {
  id: number;
  name: string;
  product: string;
  names: string[];
  state: string;
  /** Index of the one that is under way. */
  stage: number;
  stages: string[];
  created_ms: number;
  total: number;
  counts: Record<string, number>;
  why: string;
}

export interface RolloutGatewayAnswer {
  serial: string;
  stage: number;
  state: string;
  since_ms: number;
  why: string;
}

export function readRollout(answer: unknown): RolloutAnswer {
  const of = fields(answer, 'rollout');
  const counts = Object.entries(fields(of['counts'] ?? {}, 'counts'));
  return {
    id: number(of, 'id'),
    name: text(of, 'name'),
    product: text(of, 'product'),
    names: list(of, 'names', String),
    state: text(of, 'state'),
    stage: number(of, 'stage'),
    stages: list(of, 'stages', stageText),
    created_ms: number(of, 'created'),
    total: number(of, 'total'),
    counts: Object.fromEntries(counts.map(([state, count]) => [state, Number(count)])),
    why: of['why'] === undefined ? '' : text(of, 'why'),
  };
}

function stageText(answer: unknown): string {
  const of = fields(answer, 'stage');
  return of['percent'] === undefined ? String(number(of, 'count')) : `${number(of, 'percent')}%`;
}

export function readRolloutGateways(answer: unknown): { gateways: RolloutGatewayAnswer[]; next?: string } {
  const of = fields(answer, 'answer');
  const gateways = list(of, 'gateways', (each) => {
    const row = fields(each, 'gateway');
    return {
      serial: text(row, 'serial'),
      stage: number(row, 'stage'),
      state: text(row, 'state'),
      since_ms: number(row, 'since'),
      why: row['why'] === undefined ? '' : text(row, 'why'),
    };
  });
  return { gateways, ...(of['next'] === undefined ? {} : { next: String(of['next']) }) };
}
