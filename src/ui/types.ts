/** The answers of the platform's JSON API that the page reads; the contract is its OpenAPI document. Times: ms since 1970. */

export type State = 'on-time' | 'late' | 'lost' | 'never';
export const STATES: readonly State[] = ['on-time', 'late', 'lost', 'never'];

export type Role = 'viewer' | 'operator' | 'admin';

export interface Whoami {
  name: string;
  role: Role;
  vendor: string;
  version: string;
  products?: string[];
  expires?: number;
}

export interface Product {
  id: string;
  created: number;
  gateways: number;
}

export interface Gateway {
  product: string;
  serial: string;
  status: 'activated' | 'notactivated';
  state: State;
  created: number;
  lastSeen: number;
  apps: Record<string, string>;
  tags: string[];
  updateInterval?: number;
}

export interface Wait {
  code: string;
  text: string;
  todo: string;
  since: number;
  expected?: number;
  rollout?: number;
}

export interface GatewayDetail extends Gateway {
  groups: string[];
  reports: Partial<Record<string, { value: string; updated: number }>>;
  pending: { install?: { names: string[]; text: string; since: number; etag: string } };
  waitsFor: Wait[];
  expected?: number;
  lastInstall?: { name: string; outcome: string; time: number };
}

export interface Point {
  id: number;
  time: number;
  value: string;
}

export interface Dataport {
  alias: string;
  value: string;
  updated: number;
  etag?: string;
  points?: Point[];
}

export interface Group {
  product: string;
  name: string;
  meta: string;
  created: number;
  gateways: number;
}

export interface GroupDetail extends Group {
  members: string[];
  filter?: Readonly<Record<string, unknown>>;
}

export interface Content {
  id: string;
  size: number;
  sha256: string;
  type: string;
  updated: number;
  meta: string;
  app?: string;
  version?: string;
  gateways?: number;
  signed?: boolean;
}

export interface Check {
  id: string;
  sentence: string;
  result: 'passed' | 'failed' | 'not reached';
  why?: string;
  hint?: string;
}

export interface ContentDetail extends Content {
  checks: Check[];
  versions: Record<string, number>;
  facts?: { app: string; version: string; entries: number; unpacked: number };
  signature?: { keyId: string; trustedComment: string };
}

export interface VersionCount {
  app: string;
  version: string;
  gateways: number;
}

export interface Overview {
  time: number;
  gateways: Record<State | 'total', number>;
  versions: VersionCount[];
  history: (VersionCount & { time: number })[];
  hours: { time: number; checkIns: number; installs: number; failures: number }[];
  limits: { lateAfter: number; lostAfter: number; grace: number; defaultInterval: number };
}

export type Stage = { percent: number } | { count: number };
export type RolloutState = 'proposed' | 'running' | 'paused' | 'aborting' | 'aborted' | 'complete';

export interface Rollout {
  id: number;
  name: string;
  product: string;
  names: string[];
  group?: string;
  filter?: Record<string, unknown>;
  stages: Stage[];
  cap: number;
  window?: { from: string; to: string; days?: number[]; timezone?: string };
  failLimit_percent: number;
  silentAfter_s: number;
  offlineUntil?: number;
  dynamic?: boolean;
  state: RolloutState;
  stage: number;
  created: number;
  createdBy: string;
  changed: number;
  total: number;
  counts: Record<string, number>;
  why?: string;
}

export interface RolloutGateway {
  product: string;
  serial: string;
  stage: number;
  state: string;
  since: number;
  why?: string;
  name?: string;
}

export interface Token {
  name: string;
  role: Role;
  created: number;
  lastUsed: number;
  products?: string[];
  expires?: number;
  own?: boolean;
}

export interface AuditRecord {
  seq: number;
  time: number;
  who: string;
  role: string;
  address: string;
  action: string;
  status: number;
  details: string;
  product?: string;
}
