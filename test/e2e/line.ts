/** A gateway at the end of a line on which everything can be tapped and spoilt. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Fleet, fleetOf } from './fleet.ts';
import { type Gateway, makeGateway, type Platform, startPlatform, tempFolder } from './machine.ts';
import { startTap, type Tap, type TappedRequest } from './tap.ts';
export const MIB = 1024 * 1024;
export const CHECK_IN = /alias\?engine_fetch/;

export interface Line {
  platform: Platform;
  fleet: Fleet;
  tap: Tap;
  gateway: Gateway;
  folder: string;
}

/** A platform, a tap on the line to it, and a gateway at the end of the line that has checked in once. */
export async function line(t: TestContext, settings: Record<string, string> = {}): Promise<Line> {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const gateway = makeGateway(t, { server: tap.url, product: platform.product, settings });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  tap.requests.length = 0;
  return { platform, fleet, tap, gateway, folder: tempFolder(t) };
}

export const ends = ({ platform, gateway }: Line) => platform.points(gateway.serial, 'fetch_status');
export const stateOf = (gateway: Gateway) =>
  JSON.parse(readFileSync(join(gateway.state, 'engine.json'), 'utf8'));
export const appends = (gateway: Gateway, word: string) =>
  `#!/bin/sh\necho ${word} >>${gateway.folder}/done\n`;
export const done = (gateway: Gateway) =>
  readFileSync(join(gateway.folder, 'done'), 'utf8').trim().split('\n');
export const isInfo = ({ url }: TappedRequest) => url.includes('info=true');
export const isDownload = (request: TappedRequest) => request.url.includes('/download') && !isInfo(request);
