/** For tests of the fleet page: a real platform, a fleet that spoke to it over the device API, and Debian's Chromium. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { makeTarball } from '../cli/operator-fixture.ts';

export const TOKEN = 'token-of-the-browser-tests-0123456789';

export interface Stage {
  url: string;
  folder: string;
  /** A call of the JSON API as an admin; gives the answer's JSON. Throws where it is refused. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Puts an application into the Content Area. */
  upload(product: string, name: string, files?: Record<string, string>): Promise<void>;
  /** Adds serial numbers by the thousand, as the provisioning API does. */
  provision(product: string, serials: readonly string[]): Promise<void>;
  /** Activates a gateway; it then writes what it is given. */
  activate(product: string, serial: string): Promise<StagedGateway>;
  /** The platform's time goes on from here. */
  setTime(now_ms: number): void;
  close(): Promise<void>;
}

export interface StagedGateway {
  serial: string;
  /** Writes the values, and gives the command that waits for it; '' when none does. */
  checkIn(values: Record<string, string>): Promise<string>;
  /** Says that the command was taken. */
  clear(): Promise<void>;
}

/** A platform in a temporary folder on a free port. Its clock runs as the machine's does, from wherever it was set. */
export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'gwe-page-'));
  let offset_ms = 0;
  let passed_ms = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => Date.now() + offset_ms,
    // When time is set on, it passes for whoever measures durations as well.
    monotonic: () => performance.now() + passed_ms,
  };
  const platform = await startPlatform({
    dataFolder: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    vendor: 'gwe',
    presetToken: TOKEN,
    log: createLog('ERROR'),
    clock,
  });
  const { url } = platform;
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: RequestInit['body'],
  ) => {
    const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text;
  };
  const bearer = { Authorization: `Bearer ${TOKEN}` };
  const api: Stage['api'] = async (method, path, body) => {
    const text = await send(
      method,
      `/api/v1${path}`,
      bearer,
      body === undefined ? undefined : JSON.stringify(body),
    );
    return text === '' ? undefined : JSON.parse(text);
  };
  const upload: Stage['upload'] = async (product, name, files = {}) => {
    const file = await makeTarball(folder, name, { 'install.sh': INSTALL, ...files });
    await send(
      'PUT',
      `/api/v1/products/${product}/content/${name}`,
      bearer,
      new Uint8Array(await readFile(file)),
    );
  };
  const provision: Stage['provision'] = async (product, serials) => {
    const headers = { ...bearer, 'Content-Type': 'text/csv' };
    await send('POST', `/provision/manage/model/${product}/`, headers, `${serials.join('\r\n')}\r\n`);
  };
  const activate: Stage['activate'] = async (product, serial) => {
    await api('POST', `/gateways/${product}/${serial}/enable`);
    const who = new URLSearchParams({ vendor: product, model: product, sn: serial });
    const cik = await send('POST', '/provision/activate', {}, who);
    const stack = async (query: string, values: Record<string, string>) =>
      send('POST', `/onep:v1/stack/alias${query}`, { 'X-Exosite-CIK': cik }, new URLSearchParams(values));
    const checkIn = async (values: Record<string, string>) =>
      new URLSearchParams(await stack('?engine_fetch&update_interval', values)).get('engine_fetch') ?? '';
    const clear = async () => void (await stack('', { engine_fetch: '' }));
    return { serial, checkIn, clear };
  };
  const close = async () => {
    await platform.close();
    await rm(folder, { recursive: true, force: true });
  };
  const setTime = (now_ms: number) => {
    const before_ms = offset_ms;
    offset_ms = now_ms - Date.now();
    passed_ms += Math.max(0, offset_ms - before_ms);
  };
  return { url, folder, api, upload, provision, activate, setTime, close };
}

/** What does not appear by then will not. */
const DEADLINE_MS = 10_000;

const INSTALL = '#!/bin/sh\necho installing\nexit 0\n';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface OpenBrowser {
  /** A browser that nobody has logged in with. */
  context(options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starts Chromium with a profile of its own that is gone afterwards. */
export async function openBrowser(): Promise<OpenBrowser> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS, headless: true });
  const context: OpenBrowser['context'] = async (options) => {
    const opened = await browser.newContext(options);
    opened.setDefaultTimeout(DEADLINE_MS);
    return opened;
  };
  return { context, close: () => browser.close() };
}

/** Logs in as a person does, and waits for the overview. */
export async function logIn(context: BrowserContext, url: string, hash = '') {
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation').waitFor();
  if (hash !== '') await page.goto(`${url}/${hash}`);
  return page;
}
