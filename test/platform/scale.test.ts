/** The files of docs/scale: each is what its own tool takes, and speaks of flags and metrics that there are. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PLATFORM_COMMANDS } from '../../src/cli/platform-commands.ts';
import { asObject, parseObject } from '../../src/platform/reported.ts';
import { lacks } from '../debian.ts';
import { platformFor } from './raw.ts';

const SCALE = resolve(import.meta.dirname, '../../docs/scale');
const read = (name: string) => readFileSync(join(SCALE, name), 'utf8');

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-scale-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every value of a key anywhere in a JSON value. */
function valuesOf(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === key ? [inner] : []),
    ...valuesOf(key, inner),
  ]);
}

/** The documents of a YAML file. */
function yaml(name: string): Record<string, unknown>[] {
  const script = 'import json, sys, yaml; print(json.dumps({"all": list(yaml.safe_load_all(sys.stdin))}))';
  const json = execFileSync('/usr/bin/python3', ['-c', script], { input: read(name), encoding: 'utf8' });
  const { all } = parseObject(json);
  assert.ok(Array.isArray(all));
  return all.map(asObject);
}

const dashboardQueries = () =>
  valuesOf('expr', parseObject(read('grafana.json'))).map((query) => String(query).replaceAll('$job', 'gwe'));

const ruleQueries = () => [...read('alerts.yml').matchAll(/^ +expr: (.*)$/gm)].map(([, query = '']) => query);

test('every query of the dashboard and of the alerts names metrics and labels that are really served', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const served = (await platform.operate('GET', '/metrics')).body.toString();
  const names = new Set([...served.matchAll(/^(\w+)/gm)].map(([, name]) => name));
  const labels = new Set([...served.matchAll(/(\w+)="/g)].map(([, label]) => label));
  const queries = [...dashboardQueries(), ...ruleQueries()];
  assert.ok(queries.length > 30);
  for (const query of queries) {
    for (const [, name] of query.matchAll(/\b((?:gwe|process)_\w+)/g))
      assert.ok(names.has(name), `${name}: ${query}`);
    for (const [, label = ''] of query.matchAll(/(\w+)(?:=|!=)"/g)) {
      assert.ok(label === 'job' || labels.has(label), `${label}: ${query}`);
    }
    for (const [, state = ''] of query.matchAll(/state!?="([^"]+)"/g)) {
      assert.match(served, new RegExp(`gwe_gateways\\{state="${state}"\\}`));
    }
  }
});

test('the alerts are rules that fire when they should, and the dashboard asks in PromQL', {
  skip: lacks('promtool'),
}, (t) => {
  const folder = folderFor(t);
  copyFileSync(join(SCALE, 'alerts.yml'), join(folder, 'alerts.yml'));
  copyFileSync(join(import.meta.dirname, 'alerts.yml'), join(folder, 'cases.yml'));
  const rules = dashboardQueries().map((expr, index) => ({ record: `panel${index}`, expr }));
  writeFileSync(join(folder, 'panels.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }));
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
  };
  promtool('check', 'rules', 'alerts.yml', 'panels.yml');
  promtool('test', 'rules', 'cases.yml');
});

test('the unit is one that systemd takes without a remark', { skip: lacks('systemd') }, (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'gwe-platform.service');
  writeFileSync(file, read('gwe-platform.service').replace('/usr/local/bin/gwe', process.execPath));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
  const remarks = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('gwe-platform'));
  assert.deepEqual([status, remarks], [0, []]);
});

test('the Compose file is one that Compose takes, and asks for what it needs', {
  skip: lacks('compose'),
}, () => {
  const config = (env: NodeJS.ProcessEnv) =>
    spawnSync('docker-compose', ['--file', join(SCALE, 'compose.yaml'), 'config', '--quiet'], {
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    });
  const needed = [...read('compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name);
  const all = Object.fromEntries(needed.map((name) => [name, 'a-value']));
  const { status, stderr } = config(all);
  assert.equal(status, 0, stderr);
  assert.notEqual(config({}).status, 0);
});

test('the Kubernetes objects belong together, and none of their fields is empty', {
  skip: lacks('compose'),
}, () => {
  const objects = yaml('kubernetes.yaml');
  const kinds = objects.map(({ kind }) => kind);
  const expected = ['ConfigMap', 'Deployment', 'Service', 'PodDisruptionBudget', 'HorizontalPodAutoscaler'];
  assert.deepEqual(kinds, expected);
  for (const object of objects) assert.equal(asObject(object['metadata'])['name'], 'gwe-platform');
  const labels = new Set(valuesOf('app.kubernetes.io/name', objects));
  assert.deepEqual([...labels], ['gwe-platform'], 'selectors select what there is');
  const deployment = asObject(objects[1]?.['spec']);
  const pod = asObject(asObject(deployment['template'])['spec']);
  assert.ok(Array.isArray(pod['containers']) && Array.isArray(pod['volumes']));
  const container = asObject(pod['containers'][0]);
  const mounted = valuesOf('name', container['volumeMounts']);
  assert.deepEqual(mounted, valuesOf('name', pod['volumes']));
  const probes = valuesOf('httpGet', container).map((probe) => asObject(probe)['path']);
  assert.deepEqual(new Set(probes), new Set(['/healthz', '/readyz']));
  const keys = valuesOf('configMapKeyRef', container).map((reference) => String(asObject(reference)['key']));
  assert.deepEqual(keys, Object.keys(asObject(objects[0]?.['data'])));
  const grace_s = Number(pod['terminationGracePeriodSeconds']);
  assert.ok(grace_s >= 30, 'what is under way may end');
});

test('every flag in these files is one that gwe platform has', { skip: lacks('compose') }, () => {
  const known = PLATFORM_COMMANDS.find(({ name }) => name === 'platform')?.options.map(({ long }) => long);
  const files = ['gwe-platform.service', 'compose.yaml', 'kubernetes.yaml'].map(read).join('\n');
  const used = [...files.matchAll(/(?:^ExecStart.* |OPTIONS=.*|- |\[|, )--([a-z-]+)/gm)].map(
    ([, flag = '']) => flag,
  );
  const flags = new Set([
    ...used,
    ...[...read('gwe-platform.service').matchAll(/ --([a-z-]+)/g)].map(([, flag = '']) => flag),
  ]);
  assert.ok(flags.size > 3);
  // Until there is one, the page must say so.
  if (!known?.includes('store') && read('../scale.md').includes('Replicas over PostgreSQL need `--store`')) {
    flags.delete('store');
  }
  for (const flag of flags) assert.ok(known?.includes(flag), `there is no --${flag}`);
});
