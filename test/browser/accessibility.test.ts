/** Every view of the fleet page holds up for who cannot see it, cannot use a mouse, or has a small screen: judged by axe. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { lacks } from '../debian.ts';
import { PRODUCT, seedFleet } from './fleet.ts';
import { logIn, type OpenBrowser, openBrowser, openStage, type Stage } from './stage.ts';

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const skip = lacks('chromium');
const P = `#/p/${PRODUCT}`;
const VIEWS = [
  [`${P}/overview`, 'Versions over time'],
  [`${P}/gateways`, 'PG-0001'],
  [`${P}/gateways/PG-0002`, 'Over time'],
  [`${P}/content`, 'pump-control.v2.0.tar.gz'],
  [`${P}/content/pump-control.v2.0.tar.gz`, 'Who has pump-control'],
  [`${P}/rollouts`, 'Careful one'],
  [`${P}/rollouts/1`, 'Progress'],
  [`${P}/rollouts/new`, 'On whom'],
  ['#/audit', 'Answered'],
  ['#/tokens', 'Last used'],
] as const;
const LOOKS = [
  { name: 'light, on a desk', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark, on a desk', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'light, on a small phone', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { name: 'dark, on a small phone', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
] as const;

let stage: Stage;
let browser: OpenBrowser;

before(async () => {
  if (skip !== false) return;
  [stage, browser] = await Promise.all([openStage(), openBrowser()]);
  const fleet = await seedFleet(stage, 12, 6);
  await stage.api('POST', '/rollouts', {
    product: PRODUCT,
    name: 'Careful one',
    names: ['pump-control.v2.0.tar.gz'],
    stages: [{ percent: 50 }],
  });
  await fleet.checkInAll((serial) => serial.endsWith('3'));
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await stage.close();
});

/** What axe finds wrong, in a line each. Scripts are put in by the debugger, which the page's policy does not bind. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found: unknown = await page.evaluate(`
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => id + ': ' + node.target.join(' ') + ' ' + (node.any[0]?.message ?? node.failureSummary))))`);
  return Array.isArray(found) ? found.map(String) : ['axe gave nothing'];
}

for (const { name, ...look } of LOOKS) {
  test(`axe finds nothing wrong with any view, and none is wider than the screen: ${name}`, {
    skip,
  }, async () => {
    const context = await browser.context({ ...look, reducedMotion: 'reduce' });
    const door = await context.newPage();
    await door.goto(stage.url);
    await door.getByLabel('Token').waitFor();
    assert.deepEqual(await violations(door), [], 'the log-in');
    const page = await logIn(context, stage.url);
    for (const [hash, ready] of VIEWS) {
      await page.goto(`${stage.url}/${hash}`);
      await page.locator('main').getByText(ready).first().waitFor();
      await page.locator('.loading').first().waitFor({ state: 'detached' });
      assert.deepEqual(await violations(page), [], hash);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.equal(overflow, 0, `${hash} is wider than the screen`);
    }
    await page.goto(`${stage.url}/${P}/gateways/PG-0002`);
    await page.getByRole('button', { name: 'Deploy …', exact: true }).click();
    await page.getByRole('checkbox').first().check();
    assert.deepEqual(await violations(page), [], 'the dialog of a deploy');
    await context.close();
  });
}

test('a view that was opened has the focus, its name in the title, and back leads to where one was', {
  skip,
}, async () => {
  const context = await browser.context();
  const page = await logIn(context, stage.url, `${P}/overview`);
  await page.getByRole('link', { name: 'Content', exact: true }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Content' }).waitFor();
  await page.waitForFunction('document.activeElement.id === "main"');
  assert.equal(await page.title(), 'Content · gwe fleet');
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Content' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await context.close();
});

test('the theme that one chose holds against what the system wants, and after a reload', {
  skip,
}, async () => {
  const context = await browser.context({ colorScheme: 'light' });
  const page = await logIn(context, stage.url, `${P}/overview`);
  const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await ground();
  for (const next of ['light', 'dark']) {
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.getByRole('button', { name: `Theme: ${next}` }).waitFor();
  }
  assert.notEqual(await ground(), light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await context.close();
});
