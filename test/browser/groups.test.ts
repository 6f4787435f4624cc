/** Groups and tags made on the fleet page, in a real browser, against a real platform. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lacks } from '../debian.ts';
import { logIn, type OpenBrowser, openBrowser, openStage, type Stage } from './stage.ts';

const skip = lacks('chromium');
let stage: Stage;
let browser: OpenBrowser;

before(async () => {
  if (skip !== false) return;
  [stage, browser] = await Promise.all([openStage(), openBrowser()]);
  await stage.api('POST', '/products', { id: 'P1' });
  await stage.provision('P1', ['SN1', 'KEYS']);
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await stage.close();
});

test('a group is made from what the list shows, given a member, found in the list, and removed', {
  skip,
}, async () => {
  const context = await browser.context();
  const page = await logIn(context, stage.url, '#/p/P1/gateways');
  await page.getByLabel('Search serial numbers').fill('KEY');
  await page.getByRole('link', { name: 'SN1', exact: true }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Groups …' }).click();
  await page.getByRole('button', { name: 'New group …' }).click();
  await page.getByLabel('Name of the group').fill('night');
  await page.getByRole('checkbox', { name: /whoever fits this list: serialContains KEY/ }).waitFor();
  await page.getByLabel('Serial numbers', { exact: true }).fill('SN1');
  await page.getByRole('button', { name: 'Save group' }).click();
  await page
    .getByRole('listitem')
    .filter({ hasText: '2 gateways' })
    .getByRole('link', { name: 'night' })
    .click();
  await page.getByRole('link', { name: 'SN1', exact: true }).waitFor();
  await page.getByRole('link', { name: 'KEYS' }).waitFor();
  assert.equal(await page.getByLabel('Group', { exact: true }).inputValue(), 'night');
  await page.getByRole('button', { name: 'Groups …' }).click();
  await page.getByRole('button', { name: 'Change night' }).click();
  await page.getByLabel('Serial numbers', { exact: true }).fill('');
  await stage.api('POST', '/gateways', { product: 'P1', serial: 'LATER' });
  await stage.api('PUT', '/products/P1/groups/night', { add: ['LATER'] });
  await page.getByRole('button', { name: 'Save group' }).click();
  await page.getByRole('listitem').filter({ hasText: '2 gateways' }).waitFor();
  const { members } = Object(await stage.api('GET', '/products/P1/groups/night'));
  assert.deepEqual(members, ['LATER'], 'whom somebody else put in meanwhile stays');
  await page.getByRole('button', { name: 'Change night' }).click();
  await page.getByRole('checkbox', { name: 'And whoever fits: serial number with KEY' }).uncheck();
  await page.getByRole('button', { name: 'Save group' }).click();
  await page.getByRole('listitem').filter({ hasText: '1 gateway' }).waitFor();
  await page.getByRole('button', { name: 'Remove night' }).click();
  await page.getByRole('button', { name: 'Remove group' }).click();
  await page.getByText('There is no group yet.').waitFor();
  await context.close();
});

test('a tag is given to all gateways that the list shows, and taken from those that have it', {
  skip,
}, async () => {
  await stage.provision('P1', ['TAG1', 'TAG2']);
  await stage.api('PUT', '/gateways/P1/TAG2/tags', { tags: ['old'] });
  const context = await browser.context();
  const page = await logIn(context, stage.url, '#/p/P1/gateways?serialContains=TAG');
  await page.getByRole('button', { name: 'Tag these 2 …' }).click();
  await page.getByLabel('Tag', { exact: true }).fill('attic');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await page.locator('.notice').getByText('Gave the tag attic to 2 gateways.').waitFor();
  await page.getByRole('row', { name: /TAG2/ }).getByText('old').waitFor();
  await page.getByRole('row', { name: /TAG2/ }).getByRole('link', { name: 'attic' }).click();
  await page.getByRole('button', { name: 'Tag attic , remove' }).waitFor();
  await page.getByRole('button', { name: 'Tag these 2 …' }).click();
  await page.getByLabel('Tag', { exact: true }).fill('attic');
  await page.getByRole('radio', { name: 'Take it from them' }).check();
  await page.getByRole('button', { name: 'Remove tag' }).click();
  await page.getByText('No gateway fits.').waitFor();
  for (const [serial, tags] of [
    ['TAG1', []],
    ['TAG2', ['old']],
  ])
    assert.deepEqual(Object(await stage.api('GET', `/gateways/P1/${serial}`)).tags, tags);
  await context.close();
});
