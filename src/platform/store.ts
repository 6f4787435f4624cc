/**
 * What the platform keeps, as one narrow interface: plain values in, plain values out, each call asynchronous, so that a
 * worker thread or a database server can take the place of the SQLite file (sqlite-store.ts). A promise that resolves
 * means: on the disk. The bytes of the Content Area lie elsewhere (content-store.ts); here is what is known about them.
 */

import type { FleetStore } from './fleet-store.ts';
import type { Peers } from './peers.ts';
import type { RolloutStore } from './rollout-store.ts';
import type { Sessions } from './sessions.ts';

/** A gateway by the digest of its CIK (as a device calls) or by its name (as an operator does). */
export type GatewayRef = { key: string } | { product: string; serial: string };

/** One dataport with its newest value. `point` is 0 and `updated_ms` is 0 when nothing was ever written. */
export interface Dataport {
  alias: string;
  value: string;
  updated_ms: number;
  /** Id of the newest point: it grows with each write, also of the same text, and so makes the ETag. */
  point: number;
}

export interface Point {
  id: number;
  time_ms: number;
  value: string;
}

/** Writes, then reads, at one gateway and at one instant. */
export interface Exchange {
  who: GatewayRef;
  writes: ReadonlyArray<readonly [alias: string, value: string]>;
  /** Ids of points: the writes are made only if the newest point of each written alias is one of these. */
  ifMatch?: readonly number[];
  reads: readonly string[];
  /** An operator's write makes the dataport; a device's write to one that isn't there is dropped. */
  create: boolean;
  /** The gateway itself calls: it was seen. */
  seen: boolean;
  now_ms: number;
}

export type ExchangeEnd =
  | { end: 'unknown' }
  | { end: 'changed' }
  /** `ports`: those asked for that are known, in the order asked for. `written`: what the writes made. */
  | { end: 'done'; gateway: number; ports: Dataport[]; written: Dataport[] };

export interface RecordCall {
  who: GatewayRef;
  points: ReadonlyArray<{ alias: string; time_ms: number; value: string }>;
  now_ms: number;
}

export interface Product {
  name: string;
  rid: string;
  /** `rid=…` or `code=…` as the operator gave it, with its options: kept as a form, given back as it came. */
  template: string;
  created_ms: number;
  gateways: number;
}

/** `unused`: only a serial number. `enabled`: may be activated. `disabled`: its CIK was taken away. */
export type GatewayState = 'unused' | 'enabled' | 'activated' | 'disabled';

export interface Gateway {
  id: number;
  product: string;
  serial: string;
  rid: string;
  state: GatewayState;
  extra: string;
  created_ms: number;
  lastSeen_ms: number;
  /** The newest engine_report, '' when there is none. */
  engineReport: string;
}

export interface GatewayFilter {
  product?: string;
  serial?: string;
  /** Either a page after this id, or one at an offset. */
  after?: number;
  offset?: number;
  limit: number;
}

export interface NewGateway {
  serial: string;
  extra: string;
}

export interface LogEntry {
  time_ms: number;
  connection: string;
  entry: string;
}

export interface Content {
  name: string;
  type: string;
  size_bytes: number;
  /** '' as long as nothing was uploaded. */
  sha256: string;
  meta: string;
  protected: boolean;
  updated_ms: number;
}

/** `isHere`: written by this process. Else another replica said so: it is there by now, but may have been known already. */
export type WriteListener = (gateway: number, aliases: readonly string[], isHere: boolean) => void;

/** What is kept about the fleet as a whole and about operators: fleet-store.ts. */
export interface Store extends FleetStore, RolloutStore {
  exchange(call: Exchange): Promise<ExchangeEnd>;
  /** `unknown` when there is no such gateway. */
  record(call: RecordCall): Promise<'done' | 'unknown'>;
  /** `undefined` when there is no such gateway or dataport. With `since` in the order of writing, else the newest, in order too. */
  points(
    who: GatewayRef,
    alias: string,
    wanted: { since?: number; limit: number },
  ): Promise<Point[] | undefined>;
  dataports(who: GatewayRef): Promise<Dataport[] | undefined>;
  /** Makes an alias known to all gateways of a product. */
  addProductAlias(product: string, alias: string): Promise<boolean>;
  /** Called after each commit with the aliases that were written. */
  onWrite(listener: WriteListener): void;
  /** The other replicas over the same database; `undefined` where there can be none. */
  readonly peers: Peers | undefined;
  /** Where sessions of browsers are kept when other replicas must know them; else in memory. */
  readonly sessions: Sessions | undefined;
  /** Why nothing can be written at present, where the store knows of it. */
  trouble(): string | undefined;

  products(): Promise<Product[]>;
  product(name: string): Promise<Product | undefined>;
  /** As host names have it: the case of letters does not count. */
  productOfHost(label: string): Promise<string | undefined>;
  addProduct(product: {
    name: string;
    rid: string;
    template: string;
    now_ms: number;
  }): Promise<'added' | 'exists'>;
  setTemplate(name: string, template: string): Promise<boolean>;
  removeProduct(name: string): Promise<boolean>;

  /** Ranges of serial numbers, as texts that are equal when the ranges are; `undefined`: no such product. */
  ranges(product: string): Promise<string[] | undefined>;
  addRanges(product: string, ranges: readonly string[]): Promise<boolean>;
  removeRanges(product: string, ranges: readonly string[]): Promise<boolean>;

  gateways(filter: GatewayFilter): Promise<Gateway[]>;
  gateway(who: GatewayRef): Promise<Gateway | undefined>;
  /** All of them, or none: `exists` when one is there already. */
  addGateways(
    product: string,
    gateways: readonly NewGateway[],
    state: 'unused' | 'enabled',
    now_ms: number,
  ): Promise<'added' | 'exists' | 'unknown'>;
  removeGateways(product: string, serials: readonly string[]): Promise<number>;
  /** Takes the CIK away and allows one activation until then, or (`disabled`) none. */
  setState(
    who: GatewayRef,
    state: 'enabled' | 'disabled',
    enabledUntil_ms: number | undefined,
    log: LogEntry,
  ): Promise<boolean>;
  /** Moves the client of `from`, with all its data, to the serial number `to`, which must be there and unused. */
  remap(
    product: string,
    from: string,
    to: string,
    enabledUntil_ms: number,
    log: LogEntry,
  ): Promise<'done' | 'unknown' | 'conflict'>;
  activate(who: GatewayRef, key: string, log: LogEntry): Promise<'activated' | 'conflict' | 'unknown'>;
  activationLog(who: GatewayRef): Promise<LogEntry[] | undefined>;

  contents(product: string): Promise<Content[] | undefined>;
  content(product: string, name: string): Promise<Content | undefined>;
  addContent(
    product: string,
    content: { name: string; meta: string; protected: boolean; now_ms: number },
  ): Promise<'added' | 'exists' | 'unknown'>;
  /** Puts bytes under a name, which is made where it is missing. Returns the digest that was there, `undefined`: no such product. */
  putContent(
    product: string,
    content: { name: string; type: string; size_bytes: number; sha256: string; now_ms: number },
  ): Promise<{ previous: string | undefined } | undefined>;
  /** Says something else about a content; false when there is no such content. */
  setMeta(product: string, name: string, meta: string): Promise<boolean>;
  removeContent(product: string, name: string): Promise<boolean>;
  /** Every digest that some content has. */
  digests(): Promise<Set<string>>;
  digestIsUsed(sha256: string): Promise<boolean>;

  close(): Promise<void>;
}
