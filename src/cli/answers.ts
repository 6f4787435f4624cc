/**
 * What the platform's JSON API answers, as types, and the reading of it: every answer is checked here once, then trusted.
 * Times are milliseconds since 1970.
 */
import { GweError } from '../errors.ts';

export interface Whoami {
  name: string;
  role: string;
  vendor: string;
  version: string;
}
export interface Product {
  id: string;
  created_ms: number;
  gateways: number;
}
export interface Gateway {
  product: string;
  serial: string;
  /** `activated` or `notactivated`. */
  status: string;
  /** 0 when it never was. */
  lastSeen_ms: number;
  apps: Record<string, string>;
  /** `on-time`, `late`, `lost` or `never`; '' from a platform that does not tell it. */
  state: string;
  tags: string[];
  updateInterval_s?: number;
}
export interface GatewayPage {
  gateways: Gateway[];
  /** Of all that fit, not only of this page. */
  total: number;
  /** What the next page comes after; `undefined`: this is the last one. */
  next: string | undefined;
}
export interface Content {
  id: string;
  size_bytes: number;
  sha256: string;
  type: string;
  updated_ms: number;
}
export interface Uploaded {
  id: string;
  size_bytes: number;
  sha256: string;
}
export interface Point {
  id: number;
  time_ms: number;
  value: string;
}
export interface Dataport {
  alias: string;
  value: string;
  updated_ms: number;
  points: Point[];
}
export interface InstallCommand {
  text: string;
  /** The newest fetch_status point before the command. */
  since: number;
}

export type Fields = Record<string, unknown>;

/** An answer or a part of one as an object. Raises `protocol` for anything else, as all of these do. */
export function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw strange(what, value);
  return { ...value };
}

export function text(of: Fields, key: string): string {
  const value = of[key];
  if (typeof value !== 'string') throw strange(key, value);
  return value;
}

/** A number; absent or null counts as 0 (never seen, nothing yet). */
export function number(of: Fields, key: string): number {
  const value = of[key] ?? 0;
  if (typeof value !== 'number') throw strange(key, value);
  return value;
}

export function list<T>(of: Fields, key: string, read: (each: unknown) => T): T[] {
  const value = of[key];
  if (!Array.isArray(value)) throw strange(key, value);
  return value.map(read);
}

/** A list that may be missing. */
export function optionalList<T>(of: Fields, key: string, read: (each: unknown) => T): T[] | undefined {
  return of[key] === undefined ? undefined : list(of, key, read);
}

function strange(key: string, value: unknown): GweError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  return new GweError('protocol', `Cannot understand the platform's answer: "${key}" is ${shown}`, {
    hint: 'Is that URL really a gwe platform, and no older than this gwe? Run: gwe login URL',
  });
}

export function readWhoami(answer: unknown): Whoami {
  const of = fields(answer, 'whoami');
  return {
    name: text(of, 'name'),
    role: text(of, 'role'),
    vendor: text(of, 'vendor'),
    version: text(of, 'version'),
  };
}

export function readProduct(answer: unknown): Product {
  const of = fields(answer, 'product');
  return { id: text(of, 'id'), created_ms: number(of, 'created'), gateways: number(of, 'gateways') };
}

export function readProducts(answer: unknown): Product[] {
  return list(fields(answer, 'answer'), 'products', readProduct);
}

export function readGateway(answer: unknown): Gateway {
  const of = fields(answer, 'gateway');
  const apps = Object.entries(fields(of['apps'] ?? {}, 'apps')).map(([app, version]) => [
    app,
    String(version),
  ]);
  const interval_s = of['updateInterval'];
  return {
    product: text(of, 'product'),
    serial: text(of, 'serial'),
    status: text(of, 'status'),
    lastSeen_ms: number(of, 'lastSeen'),
    apps: Object.fromEntries(apps),
    state: of['state'] === undefined ? '' : text(of, 'state'),
    tags: optionalList(of, 'tags', String) ?? [],
    ...(typeof interval_s === 'number' ? { updateInterval_s: interval_s } : {}),
  };
}

export function readGateways(answer: unknown): GatewayPage {
  const of = fields(answer, 'answer');
  const next = of['next'];
  return {
    gateways: list(of, 'gateways', readGateway),
    total: number(of, 'total'),
    next: next === undefined || next === null ? undefined : String(next),
  };
}

export function readContent(answer: unknown): Content[] {
  return list(fields(answer, 'answer'), 'content', (each) => {
    const of = fields(each, 'content');
    return { ...readUploaded(of), type: text(of, 'type'), updated_ms: number(of, 'updated') };
  });
}

export function readUploaded(answer: unknown): Uploaded {
  const of = fields(answer, 'content');
  return { id: text(of, 'id'), size_bytes: number(of, 'size'), sha256: text(of, 'sha256') };
}

export function readDataport(answer: unknown): Dataport {
  const of = fields(answer, 'dataport');
  const points = Array.isArray(of['points']) ? list(of, 'points', readPoint) : [];
  return { alias: text(of, 'alias'), value: text(of, 'value'), updated_ms: number(of, 'updated'), points };
}

function readPoint(answer: unknown): Point {
  const of = fields(answer, 'point');
  return { id: number(of, 'id'), time_ms: number(of, 'time'), value: text(of, 'value') };
}

export function readInstallCommand(answer: unknown): InstallCommand {
  const of = fields(answer, 'command');
  return { text: text(of, 'text'), since: number(of, 'since') };
}
