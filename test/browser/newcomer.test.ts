/** What the page tells a person who never saw it, done as it stands: its commands are typed, and lead to an installed application. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { lacks } from '../debian.ts';
import { type OpenBrowser, openBrowser, openStage, type Stage, TOKEN } from './stage.ts';

const skip = lacks('chromium');
const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const COMMAND_TIMEOUT_MS = 60_000;

let stage: Stage;
let browser: OpenBrowser;

before(async () => {
  if (skip !== false) return;
  [stage, browser] = await Promise.all([openStage(), openBrowser()]);
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await stage.close();
});

/** A terminal on a gateway: gwe is a command there, with folders of its own. */
function terminal(folder: string): (commands: string) => Promise<string> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'gwe'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(join(bin, 'gwe'), 0o755);
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env['PATH']}`,
    GWE_CONFIG_DIR: join(folder, 'etc'),
    GWE_STATE_DIR: join(folder, 'var'),
  };
  return async (commands) => {
    const ran = promisify(execFile)('/bin/sh', ['-ec', commands], {
      cwd: folder,
      env,
      timeout: COMMAND_TIMEOUT_MS,
    });
    return (await ran).stdout;
  };
}

async function firstLogIn(page: Page): Promise<void> {
  await page.goto(stage.url);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByLabel('Name of the product').fill('first');
  await page.getByRole('button', { name: 'Create product' }).click();
}

test('who types what the page shows has a gateway connected, an application built, and it is installed', {
  skip,
}, async () => {
  const context = await browser.context();
  const page = await context.newPage();
  const type = terminal(stage.folder);
  await firstLogIn(page);
  await page.getByRole('button', { name: 'Add a gateway …' }).click();
  await page.getByLabel('Serial number').fill('gw-1');
  await page.getByRole('button', { name: 'Add gateway', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'gw-1' }).waitFor();
  const shown = await page.getByRole('region', { name: 'commands for the gateway' }).innerText();
  // No engine runs here: instead of waking one, or starting one that stays, the gateway checks in once.
  await type(shown.replace('gwe --check-now', 'gwe --once'));
  await page.locator('.facts').getByText('on time').waitFor();

  await page.getByRole('link', { name: 'Content', exact: true }).click();
  await type(await page.getByRole('region', { name: 'commands that build a tarball' }).innerText());
  await page.getByLabel('File to upload').setInputFiles(join(stage.folder, 'hello/hello.v1.tar.gz'));
  await page.getByRole('link', { name: 'See the checks, or deploy it' }).click();
  await page.getByRole('button', { name: 'Deploy to a gateway …' }).click();
  await page.getByRole('radio', { name: 'gw-1' }).check();
  await page.getByRole('button', { name: 'Deploy to gw-1' }).click();
  const wait = page.locator('.wait').filter({ hasText: 'hello.v1.tar.gz' });
  await wait.getByText('gwe --check-now').waitFor();
  await type('gwe --once');
  const end = page.locator('.ends').getByRole('listitem').filter({ hasText: 'hello.v1.tar.gz' });
  await end.locator('summary').click();
  await end.getByText('hello from install.sh').waitFor();
  await context.close();
});

test('what a person does is left in peace by news: focus and place stay when a gateway reports', {
  skip,
}, async () => {
  await stage.api('POST', '/products', { id: 'calm' });
  await stage.provision('calm', ['QUIET']);
  const gateway = await stage.activate('calm', 'QUIET');
  const usage = (bytes: number) =>
    JSON.stringify({ eth0: { hour: { http_write: { tot_rx: bytes, tot_tx: 2, num: 1 } } } });
  await gateway.checkIn({ usage_report: usage(1) });
  const context = await browser.context({ viewport: { width: 900, height: 500 } });
  const page = await context.newPage();
  await page.goto(`${stage.url}/#/p/calm/gateways/QUIET`);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('figure', { name: 'Bytes in the hour' }).waitFor();
  await page.getByRole('rowheader', { name: 'usage_report' }).waitFor();
  await page.getByRole('button', { name: 'Remove …' }).focus();
  await page.evaluate('scrollTo(0, 1e6)');
  const place = () => page.evaluate('[Math.round(scrollY), document.activeElement.textContent].join()');
  const before = await place();
  await gateway.checkIn({ usage_report: usage(7777) });
  await page.getByText('7.6 KB').first().waitFor();
  assert.equal(await place(), before);
  await context.close();
});

test('while the platform cannot be reached, what a person is typing stays', { skip }, async () => {
  const context = await browser.context();
  const page = await context.newPage();
  await page.clock.install();
  await page.route('**/api/v1/events*', (route) => route.abort());
  await page.goto(stage.url);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Every 15 s').waitFor();
  await page.goto(`${stage.url}/#/p/first/rollouts/new`);
  await page.getByLabel('At most so many at a time').fill('17');
  await page.route('**/api/v1/**', (route) => route.abort());
  // One that the page set for itself: it asks anew, and hears nothing.
  await page.clock.fastForward(20_000);
  await page.getByRole('alert').first().waitFor();
  assert.equal(await page.getByLabel('At most so many at a time').inputValue(), '17');
  await context.close();
});
