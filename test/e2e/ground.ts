/** A gateway of a platform that is told to install versions of one application, to see what becomes of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Fleet, fleetOf } from './fleet.ts';
import { type Gateway, makeGateway, makeTarball, type Platform, tempFolder } from './machine.ts';

export type Files = Record<string, string | Buffer>;

/** A gateway that is told to install versions of the application `app`. */
export interface Ground {
  platform: Platform;
  fleet: Fleet;
  gateway: Gateway;
  folder: string;
  app: string;
  /** Uploads a version and tells the gateway to install it, without running gwe. */
  tell(version: string, files: Files, item?: object): Promise<string>;
  /** The same, and `gwe --once`; returns its exit status. */
  install(version: string, files: Files, item?: object): Promise<number | null>;
  once(): Promise<{ status: number | null; stderr: string }>;
  ends(): Promise<string[]>;
  /** What engine_report says of the application. */
  report(): Promise<{ version: string; outcome: string } | undefined>;
}

/** Writes down which version is in place, and each run. */
export const GOOD = `#!/bin/sh
echo "$GWE_APP_VERSION" >"$HOME/at"
echo "$GWE_APP_VERSION over \${GWE_PREVIOUS_VERSION:-nothing}\${GWE_ROLLBACK_FROM:+, back from $GWE_ROLLBACK_FROM}" >>"$HOME/runs"
`;
export const good = (more = ''): Files => ({ 'install.sh': `${GOOD}${more}\n` });

let grounds = 0;

export async function layGround(
  t: TestContext,
  platform: Platform,
  options: { settings?: Record<string, string>; server?: string } = {},
): Promise<Ground> {
  grounds += 1;
  const [serial, app] = [`gw-${grounds}`, `app${grounds}`];
  const { settings = {}, server = platform.url } = options;
  const fleet = fleetOf(platform);
  const gateway = makeGateway(t, { server, product: platform.product, serial, settings });
  await fleet.addGateway(serial);
  const folder = tempFolder(t);
  const once = () => gateway.gweAsync('--once');
  const tell = async (version: string, files: Files, item: object = {}) => {
    const name = await fleet.upload(makeTarball(folder, `${app}.v${version}.tar.gz`, files));
    await fleet.write(serial, 'engine_fetch', JSON.stringify({ install: [{ name, ...item }] }));
    return name;
  };
  return {
    ...{ platform, fleet, gateway, folder, app, tell, once },
    install: async (version, files, item) => {
      await tell(version, files, item);
      return (await once()).status;
    },
    ends: () => platform.points(serial, 'fetch_status'),
    report: async () => JSON.parse(await fleet.read(serial, 'engine_report')).installed[app],
  };
}

export const read = ({ gateway }: Ground, name: string): string => {
  const path = join(gateway.folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
};
