/** One rollout as it goes: its stages, where each gateway stands, and the buttons that stop it, each one click away. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, get, path, withQuery } from './api.ts';
import { useAction, useData } from './data.ts';
import { duration, number, plural } from './format.ts';
import { notify } from './notice.tsx';
import { Badge, Empty, Loading, Panel, Problem, Time } from './parts.tsx';
import { RolloutBar, RolloutLegend } from './rollout-bar.tsx';
import { RolloutStages } from './rollout-stages.tsx';
import { link } from './route.ts';
import { Scroll } from './scroll.tsx';
import { useMay } from './session.ts';
import type { Rollout, RolloutGateway, RolloutState } from './types.ts';

type Act = 'approve' | 'pause' | 'resume' | 'abort' | 'retry';

const ACTIONS: readonly {
  act: Act;
  label: string;
  kind: string;
  done: string;
  states: readonly RolloutState[];
}[] = [
  { act: 'approve', label: '✓ Approve', kind: 'primary', done: 'Approved', states: ['proposed'] },
  { act: 'pause', label: '‖ Pause', kind: 'primary', done: 'Paused', states: ['running'] },
  { act: 'resume', label: '▶ Resume', kind: 'primary', done: 'Resumed', states: ['paused'] },
  {
    act: 'retry',
    label: 'Retry failed',
    kind: '',
    done: 'Those that failed are told again',
    states: ['running', 'paused', 'complete'],
  },
  {
    act: 'abort',
    label: '■ Abort',
    kind: 'danger',
    done: 'Aborting',
    states: ['proposed', 'running', 'paused'],
  },
];

export function RolloutView({ product, id }: { product: string; id: number }) {
  const { data, error, reload } = useData(
    (signal) => get<Rollout>(path('rollouts', id), signal),
    [id],
    ({ type }) => type === 'rollout' || type === 'install',
  );
  return (
    <>
      <p class="crumbs">
        <a href={link(product, 'rollouts')}>Rollouts</a>
      </p>
      {data === undefined && <h1>Rollout {id}</h1>}
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <Shown rollout={data} reload={reload} />}
    </>
  );
}

function Shown({ rollout, reload }: { rollout: Rollout; reload: () => void }) {
  const [state, setState] = useState('');
  return (
    <>
      <div class="view-head">
        <h1>
          {rollout.name} <Badge word={rollout.state} />
        </h1>
        <Actions rollout={rollout} reload={reload} />
      </div>
      {rollout.why !== undefined && (
        <p class="why" role="status">
          {rollout.why}
        </p>
      )}
      <Plan rollout={rollout} />
      <Panel title="Progress">
        <RolloutBar rollout={rollout} />
        <RolloutLegend rollout={rollout} chosen={state} onChoose={setState} />
        <RolloutStages rollout={rollout} />
      </Panel>
      <Members rollout={rollout} state={state} />
    </>
  );
}

function Actions({ rollout, reload }: { rollout: Rollout; reload: () => void }) {
  const mayChange = useMay('operator');
  const { busy, error, act } = useAction();
  const place = useRef<HTMLDivElement>(null);
  const focused = useRef(false);
  useLayoutEffect(() => {
    // The button that was pressed may be gone: whoever uses a keyboard goes on from here.
    if (focused.current && document.activeElement === document.body)
      place.current?.focus({ preventScroll: true });
  }, [rollout.state]);
  if (!mayChange) return null;
  const failed = ['failed', 'silent', 'unhealthy'].reduce(
    (sum, state) => sum + (rollout.counts[state] ?? 0),
    0,
  );
  const shown = ACTIONS.filter(
    (each) => each.states.includes(rollout.state) && (each.act !== 'retry' || failed > 0),
  );
  return (
    <div
      class="actions"
      ref={place}
      tabIndex={-1}
      onFocusIn={() => {
        focused.current = true;
      }}
      onFocusOut={(event) => {
        focused.current = event.relatedTarget === null;
      }}
    >
      {shown.map((each) => (
        <button
          // Pause becomes Resume and back: one and the same button, so that the focus stays on it.
          key={each.kind}
          type="button"
          class={each.kind}
          aria-disabled={busy}
          onClick={async () => {
            if (busy) return;
            if (await act(() => call('POST', path('rollouts', rollout.id, each.act))))
              notify(`${each.done}: ${rollout.name}.`);
            reload();
          }}
        >
          {each.label}
        </button>
      ))}
      <Problem error={error} />
    </div>
  );
}

function Plan({ rollout }: { rollout: Rollout }) {
  const {
    product,
    names,
    group,
    filter,
    cap,
    failLimit_percent,
    silentAfter_s,
    window,
    offlineUntil,
    dynamic,
    created,
    createdBy,
  } = rollout;
  const facts: [string, preact.ComponentChildren][] = [
    [
      'Installs',
      names.map((name) => (
        <a key={name} href={link(product, 'content', [name])}>
          {name}{' '}
        </a>
      )),
    ],
    [
      'On',
      group !== undefined
        ? `group ${group}`
        : filter !== undefined
          ? 'gateways that fit a filter'
          : 'all gateways',
    ],
    ['Gateways', number(rollout.total)],
    ['At a time', `at most ${number(cap)}`],
    [
      'Pauses when',
      `more than ${failLimit_percent} % fail or fall silent for ${duration(silentAfter_s * 1000)}`,
    ],
    [
      'Started',
      <>
        <Time at={created} /> by {createdBy}
      </>,
    ],
  ];
  if (window !== undefined) facts.push(['Only', `${window.from} to ${window.to}, in the gateway's own time`]);
  if (dynamic) facts.push(['Joins', 'gateways that come to fit later are added']);
  if (offlineUntil !== undefined) facts.push(['Leaves the unreached', <Time at={offlineUntil} />]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const MEMBERS_PAGE = 100;

function Members({ rollout, state }: { rollout: Rollout; state: string }) {
  const [limit, setLimit] = useState(MEMBERS_PAGE);
  const { data, error, reload } = useData(
    (signal) =>
      get<{ gateways: RolloutGateway[]; total: number }>(
        withQuery(path('rollouts', rollout.id, 'gateways'), { state, limit }),
        signal,
      ),
    [rollout.id, state, limit],
    ({ type }) => type === 'rollout' || type === 'install',
  );
  const gateways = data?.gateways ?? [];
  return (
    <Panel title={state === '' ? 'Gateways' : `Gateways: ${state}`}>
      <Problem error={error} retry={reload} />
      {data !== undefined && gateways.length === 0 && <Empty title="None." />}
      {gateways.length > 0 && (
        <Scroll label="Gateways">
          <table>
            <thead>
              <tr>
                <th scope="col">Serial</th>
                <th scope="col">Stage</th>
                <th scope="col">State</th>
                <th scope="col">Since</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {gateways.map((each) => (
                <tr key={each.serial}>
                  <th scope="row">
                    <a href={link(each.product, 'gateways', [each.serial])}>{each.serial}</a>
                  </th>
                  <td>{each.stage + 1}</td>
                  <td>
                    <Badge word={each.state} />
                  </td>
                  <td>
                    <Time at={each.since} />
                  </td>
                  <td>{each.why ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {data !== undefined && data.total > gateways.length && (
        <p>
          <button type="button" onClick={() => setLimit(Math.min(1000, limit * 3))} disabled={limit >= 1000}>
            Show more
          </button>{' '}
          <span class="quiet">{plural(data.total - gateways.length, 'more gateway')}</span>
        </p>
      )}
    </Panel>
  );
}
