/**
 * Pictures of every view of the fleet page, for the documentation: `node test/browser/pictures.ts [FOLDER]`. They are made
 * with a real platform and a fleet that spoke to it; docs/pictures is the folder when none is given.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { PRODUCT, seedFleet } from './fleet.ts';
import { logIn, openBrowser, openStage } from './stage.ts';

const FOLDER = resolve(process.argv[2] ?? join(import.meta.dirname, '../../docs/pictures'));
const MAX_BYTES = 150_000;
const FLEET = 60;
const HOURS = 46;

const LOOKS = [
  { suffix: '', colorScheme: 'light', viewport: { width: 1180, height: 760 } },
  { suffix: '-dark', colorScheme: 'dark', viewport: { width: 1180, height: 760 } },
  { suffix: '-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

mkdirSync(FOLDER, { recursive: true });
const stage = await openStage();
const browser = await openBrowser();
try {
  const fleet = await seedFleet(stage, FLEET, HOURS);
  const p = `#/p/${PRODUCT}`;
  const rollout = await stage.api('POST', '/rollouts', {
    product: PRODUCT,
    name: 'pump-control 2.0',
    names: ['pump-control.v2.0.tar.gz'],
    stages: [{ percent: 20 }, { percent: 50 }, { percent: 100 }],
    failLimit_percent: 20,
    cap: 20,
  });
  const id = typeof rollout === 'object' && rollout !== null && 'id' in rollout ? Number(rollout.id) : 1;
  await settle(() =>
    fleet.checkInAll(
      (serial) => Number(serial.slice(3)) % 4 === 1,
      (serial) => Number(serial.slice(3)) > FLEET - 5,
    ),
  );
  await stage.api('POST', '/tokens', { name: 'night-shift', role: 'operator', products: [PRODUCT] });
  await stage.api('POST', '/tokens', {
    name: 'dashboard',
    role: 'viewer',
    expires: Date.now() + 30 * 86_400_000,
  });
  const views: [name: string, hash: string, ready: string, act?: (page: Page) => Promise<void>][] = [
    ['overview', `${p}/overview`, 'Versions over time'],
    ['gateways', `${p}/gateways`, 'PG-0001'],
    ['gateway', `${p}/gateways/PG-0007`, 'Install history'],
    ['deploy', `${p}/gateways/PG-0002`, 'Install history', openDeploy],
    ['content', `${p}/content`, 'pump-control.v2.0.tar.gz'],
    ['tarball', `${p}/content/pump-control.v1.9.tar.gz`, 'Who has pump-control'],
    ['rollouts', `${p}/rollouts`, 'pump-control 2.0'],
    ['rollout', `${p}/rollouts/${id}`, 'Progress'],
    ['new-rollout', `${p}/rollouts/new`, 'On whom'],
    ['audit', '#/audit', 'Answered'],
    ['tokens', '#/tokens', 'night-shift'],
  ];
  for (const { suffix, ...look } of LOOKS) {
    const context = await browser.context({ ...look, reducedMotion: 'reduce' });
    const page = await logIn(context, stage.url);
    await page.mouse.move(0, 0);
    for (const [name, hash, ready, act] of views) {
      await page.goto(`${stage.url}/${hash}`);
      await page.locator('main').getByText(ready).first().waitFor();
      await page.waitForLoadState('load');
      await page.locator('.loading').waitFor({ state: 'detached' });
      await act?.(page);
      await picture(page, `${name}${suffix}`);
    }
    await context.close();
    const door = await browser.context(look);
    const login = await door.newPage();
    await login.goto(stage.url);
    await login.getByLabel('Token').waitFor();
    await picture(login, `login${suffix}`);
    await door.close();
  }
} finally {
  await browser.close();
  await stage.close();
}

async function openDeploy(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Deploy …', exact: true }).click();
  await page.getByRole('checkbox').first().check();
}

/** The loop of rollouts tells gateways in its own time: they check in until nothing is told any more. */
async function settle(act: () => Promise<void>): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await act();
    await new Promise((done) => setTimeout(done, 1500));
  }
}

async function picture(page: Page, name: string): Promise<void> {
  // Nothing is pictured as if a hand lay on it.
  await page.mouse.move(0, 0);
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  const { size } = statSync(path);
  console.log(`${name}.png ${Math.round(size / 1000)} KB`);
  if (size > MAX_BYTES && process.argv[2] === undefined)
    throw new Error(`Cannot use ${name}.png: it is larger than ${MAX_BYTES} bytes`);
}
