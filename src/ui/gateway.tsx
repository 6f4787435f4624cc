/** One gateway: how it is, what it waits for, what runs on it, and what can be done with it. */
import { useState } from 'preact/hooks';
import { get, path } from './api.ts';
import { useData } from './data.ts';
import { Deploy } from './deploy.tsx';
import { GatewayCommands } from './first-steps.tsx';
import { duration } from './format.ts';
import { GatewayDataports } from './gateway-dataports.tsx';
import { GatewayInstalls } from './gateway-installs.tsx';
import { GatewayMachine } from './gateway-machine.tsx';
import { GatewayManage } from './gateway-manage.tsx';
import { GatewayPlots } from './gateway-plots.tsx';
import { Badge, Empty, Loading, Panel, Problem, Time } from './parts.tsx';
import { readApps, shortUptime } from './reports.ts';
import { link } from './route.ts';
import { Scroll } from './scroll.tsx';
import { useMay } from './session.ts';
import type { GatewayDetail } from './types.ts';

export function GatewayView({ product, serial }: { product: string; serial: string }) {
  const { data, error, reload } = useData(
    (signal) => get<GatewayDetail>(path('gateways', product, serial), signal),
    [product, serial],
    (change) => change.serial === serial || change.type === 'rollout',
  );
  return (
    <>
      <p class="crumbs">
        <a href={link(product, 'gateways')}>Gateways</a>
      </p>
      {data === undefined && <h1>{serial}</h1>}
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <Shown gateway={data} reload={reload} />}
    </>
  );
}

function Shown({ gateway, reload }: { gateway: GatewayDetail; reload: () => void }) {
  const [deploying, setDeploying] = useState(false);
  const mayChange = useMay('operator');
  const { serial, product } = gateway;
  return (
    <>
      <div class="view-head">
        <h1>{serial}</h1>
        {mayChange && (
          <div class="actions">
            <button type="button" class="primary" onClick={() => setDeploying(true)}>
              Deploy …
            </button>
          </div>
        )}
      </div>
      <Facts gateway={gateway} />
      {gateway.status === 'notactivated' && gateway.lastSeen === 0 && (
        <HowToConnect product={product} serial={serial} />
      )}
      <Waits gateway={gateway} />
      <div class="grid">
        <div>
          <Applications gateway={gateway} onDeploy={mayChange ? () => setDeploying(true) : undefined} />
          <GatewayMachine gateway={gateway} />
        </div>
        <div>
          <GatewayInstalls gateway={gateway} />
          <GatewayPlots gateway={gateway} />
        </div>
      </div>
      <GatewayDataports gateway={gateway} />
      <GatewayManage gateway={gateway} reload={reload} />
      {deploying && (
        <Deploy
          gateway={gateway}
          onClose={() => {
            setDeploying(false);
            reload();
          }}
        />
      )}
    </>
  );
}

function Facts({ gateway }: { gateway: GatewayDetail }) {
  const { state, lastSeen, expected, updateInterval, tags, groups, product } = gateway;
  return (
    <dl class="facts">
      <div>
        <dt>State</dt>
        <dd>
          <Badge word={state} />
        </dd>
      </div>
      <div>
        <dt>Last seen</dt>
        <dd>
          <Time at={lastSeen} />
        </dd>
      </div>
      {expected !== undefined && (
        <div>
          <dt>Next check-in</dt>
          <dd>
            <Time at={expected} />
          </dd>
        </div>
      )}
      {updateInterval !== undefined && (
        <div>
          <dt>Interval</dt>
          <dd>{duration(updateInterval * 1000)}</dd>
        </div>
      )}
      {groups.length > 0 && (
        <div>
          <dt>Groups</dt>
          <dd>{groups.join(', ')}</dd>
        </div>
      )}
      {tags.length > 0 && (
        <div>
          <dt>Tags</dt>
          <dd>
            {tags.map((tag) => (
              <a key={tag} class="tag" href={link(product, 'gateways', [], { tag })}>
                {tag}
              </a>
            ))}
          </dd>
        </div>
      )}
    </dl>
  );
}

function HowToConnect({ product, serial }: { product: string; serial: string }) {
  return (
    <Panel title="Connect this gateway">
      <p>It has not come yet. Type this on the gateway:</p>
      <GatewayCommands product={product} serial={serial} />
    </Panel>
  );
}

function Waits({ gateway: { waitsFor, product } }: { gateway: GatewayDetail }) {
  return (
    <Panel title="What it waits for" class="waits">
      <div aria-live="polite">
        {waitsFor.length === 0 && (
          <p>
            <Badge word="done" /> Nothing: it is what it was told to be.
          </p>
        )}
        <ul class="plain-list">
          {waitsFor.map((wait) => (
            <li
              key={`${wait.code} ${wait.rollout ?? ''}`}
              class={`wait ${['failed', 'overdue'].includes(wait.code) ? 'bad' : 'live'}`}
            >
              <span>{wait.text}</span>{' '}
              <span class="quiet">
                since <Time at={wait.since} />
                {wait.expected !== undefined && (
                  <>
                    , expected <Time at={wait.expected} />
                  </>
                )}
              </span>{' '}
              {wait.rollout !== undefined && (
                <a href={link(product, 'rollouts', [wait.rollout])}>Rollout {wait.rollout}</a>
              )}
              <p class="quiet">{wait.todo}.</p>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function Applications({ gateway, onDeploy }: { gateway: GatewayDetail; onDeploy: (() => void) | undefined }) {
  const report = gateway.reports['engine_report'];
  const apps = readApps(report?.value ?? '');
  return (
    <Panel title="Applications">
      {apps.length === 0 && (
        <Empty title="It has reported no application yet.">
          {onDeploy !== undefined && (
            <button type="button" onClick={onDeploy}>
              Deploy an application …
            </button>
          )}
        </Empty>
      )}
      {apps.length > 0 && (
        <Scroll label="Applications">
          <table>
            <thead>
              <tr>
                <th scope="col">Application</th>
                <th scope="col">Version</th>
                <th scope="col">Runs</th>
                <th scope="col">Up for</th>
                <th scope="col">Last install</th>
              </tr>
            </thead>
            <tbody>
              {apps.map((app) => (
                <tr key={app.name}>
                  <th scope="row">{app.name}</th>
                  <td>{app.version || '–'}</td>
                  <td>
                    <Badge word={app.status} />
                    {app.exitStatus !== 0 && <span class="quiet"> exit {app.exitStatus}</span>}
                  </td>
                  <td class="nowrap" title={app.uptime}>
                    {shortUptime(app.uptime)}
                  </td>
                  <td title={app.installed?.why}>
                    {app.installed === undefined ? (
                      '–'
                    ) : (
                      <>
                        {app.installed.outcome !== 'installed' && <Badge word={app.installed.outcome} />}{' '}
                        <Time at={app.installed.time_ms} />
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}
