/**
 * What the platform keeps about the fleet as a whole and about its operators, as the second half of the store's interface:
 * what is installed where, groups, tags, counts over time, tokens, the audit trail. The same promises as in store.ts hold.
 */
import type { GatewayRef, GatewayState } from './store.ts';

/** How a gateway stands by the time since it was last seen: fleet-condition.ts. */
export type Condition = 'on-time' | 'late' | 'lost' | 'never';

/** What a group keeps, and what a list may be filtered by; everything that is named must fit. */
export interface GatewayCriteria {
  serialPrefix?: string;
  /** In any case of letters. */
  serialContains?: string;
  /** It has all of these. */
  tags?: readonly string[];
  application?: { name: string; version?: string };
  conditions?: readonly Condition[];
  seenAfter_ms?: number;
  seenBefore_ms?: number;
}

export interface FleetFilter extends GatewayCriteria {
  product?: string;
  /** Only these products; all when left out. */
  products?: readonly string[];
  serial?: string;
  /** A group of `product`. */
  group?: string;
  activated?: boolean;
}

export type FleetSort = 'added' | 'serial' | 'lastSeen';

export interface FleetPage {
  sort?: FleetSort;
  descending?: boolean;
  /** The `next` of the page before. */
  after?: string;
  limit: number;
  /** Conditions are told for this instant. */
  now_ms: number;
}

export interface FleetGateway {
  id: number;
  product: string;
  serial: string;
  state: GatewayState;
  condition: Condition;
  created_ms: number;
  lastSeen_ms: number;
  /** As reported. */
  interval_s: number | undefined;
  apps: Readonly<Record<string, string>>;
  tags: readonly string[];
}

export interface FleetResult {
  gateways: FleetGateway[];
  total: number;
  next: string | undefined;
}

export interface Group {
  product: string;
  name: string;
  meta: string;
  created_ms: number;
  criteria: GatewayCriteria | undefined;
  /** Listed, or fitting the criteria. */
  gateways: number;
}

export interface GroupChange {
  meta?: string;
  criteria?: GatewayCriteria;
  /** In the place of those that are listed. */
  members?: readonly string[];
  add?: readonly string[];
  remove?: readonly string[];
}

/** What was written to a gateway's dataports since it was last looked at. */
export interface Written {
  gateway: number;
  aliases: readonly string[];
  /** How often it wrote its engine_report. */
  checkIns: number;
  time_ms: number;
}

export interface InstallEnd {
  name: string;
  outcome: string;
  time_ms: number;
}

/** What a look at a gateway brought. */
export interface Digest extends Written {
  product: string;
  serial: string;
  apps: Readonly<Record<string, string>>;
  interval_s: number | undefined;
  ends: readonly InstallEnd[];
}

export interface VersionCount {
  app: string;
  version: string;
  gateways: number;
}

export interface Overview {
  conditions: Readonly<Record<Condition, number>>;
  versions: VersionCount[];
  history: Array<VersionCount & { time_ms: number }>;
  hours: Array<{ time_ms: number; checkIns: number; installs: number; failures: number }>;
}

export type Role = 'viewer' | 'operator' | 'admin';

export interface Token {
  name: string;
  role: Role;
  /** Those it is for; all when left out. */
  products?: readonly string[];
  expires_ms?: number;
}

export interface KeptToken extends Token {
  created_ms: number;
  used_ms: number;
}

/** What is noted of a change; audit-chain.ts says how records are chained. */
export interface AuditEntry {
  time_ms: number;
  who: string;
  role: string;
  address: string;
  action: string;
  status: number;
  product?: string;
  details: string;
}

export interface AuditRecord extends AuditEntry {
  seq: number;
  previous: string;
  hash: string;
}

export interface AuditQuery {
  products?: readonly string[];
  who?: string;
  oldestFirst: boolean;
  /** Records beyond this one, in the order asked for. */
  after?: number;
  limit: number;
}

export interface FleetStore {
  fleet(filter: FleetFilter, page: FleetPage): Promise<FleetResult>;
  /** False: no such gateway. */
  setTags(who: GatewayRef, tags: readonly string[]): Promise<boolean>;

  groups(products: readonly string[] | undefined, now_ms: number): Promise<Group[]>;
  group(product: string, name: string, now_ms: number): Promise<Group | undefined>;
  /** Names of the groups that a gateway is in, listed or by their criteria. */
  groupsOf(product: string, serial: string, now_ms: number): Promise<string[]>;
  countGroups(product: string): Promise<number>;
  /** Serials that are listed; `undefined`: no such group. */
  groupMembers(product: string, name: string): Promise<string[] | undefined>;
  /** Makes it where it is missing. `unknown`: no such product, or the serials that the product doesn't have. */
  putGroup(
    product: string,
    name: string,
    change: GroupChange,
    now_ms: number,
  ): Promise<{ end: 'made' | 'changed' } | { end: 'unknown'; serials: string[] }>;
  removeGroup(product: string, name: string): Promise<boolean>;

  /** Looks at what was written, keeps what is installed where, counts, and tells what it found. */
  digest(written: readonly Written[]): Promise<Digest[]>;
  /** Gateways after this id that ever wrote an engine_report, by id: at a start each is looked at, whether that was done before or not. */
  undigested(after: number, limit: number): Promise<number[]>;
  /** Notes how many gateways have which version, for the hour of `now_ms`, and forgets what is too old. */
  countVersions(now_ms: number): Promise<void>;
  overview(products: readonly string[] | undefined, since_ms: number, now_ms: number): Promise<Overview>;
  /** Versions of all applications of a product, as they are now. */
  versions(product: string): Promise<VersionCount[]>;
  /** Size of the database and of the content, each digest once. */
  sizes(): Promise<{ database_bytes: number; content_bytes: number }>;

  /** The token with this digest, whether it has expired or not. */
  token(hash: string): Promise<Token | undefined>;
  tokens(): Promise<KeptToken[]>;
  countTokens(): Promise<number>;
  /** Adds a token, in the place of the one with the same name. */
  putToken(token: Token & { hash: string; now_ms: number }): Promise<void>;
  addToken(token: Token & { hash: string; now_ms: number }): Promise<'added' | 'exists'>;
  /** `last`: nobody could make tokens any more. */
  removeToken(name: string, now_ms: number): Promise<'removed' | 'unknown' | 'last'>;
  /** When tokens were last used, by name. */
  tokensUsed(used: ReadonlyMap<string, number>): Promise<void>;

  appendAudit(entry: AuditEntry): Promise<AuditRecord>;
  audit(query: AuditQuery): Promise<AuditRecord[]>;
}
