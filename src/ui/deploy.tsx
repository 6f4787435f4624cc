/** Deploying to one gateway: choose tarballs of the Content Area, and say what happens then. */
import { useState } from 'preact/hooks';
import { call, get, path } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog } from './dialog.tsx';
import { bytes, compareVersions, relative } from './format.ts';
import { notify } from './notice.tsx';
import { Empty, Loading, Problem, Time } from './parts.tsx';
import { link } from './route.ts';
import type { Content, GatewayDetail } from './types.ts';

/** The tarballs, by application, the newest version first. */
export function tarballs(contents: readonly Content[]): Content[] {
  return contents
    .filter(({ app }) => app !== undefined)
    .sort(
      (one, other) =>
        (one.app ?? '').localeCompare(other.app ?? '') ||
        compareVersions(other.version ?? '', one.version ?? ''),
    );
}

export function Deploy({ gateway, onClose }: { gateway: GatewayDetail; onClose: () => void }) {
  const { product, serial, expected, pending } = gateway;
  const { data, error, reload } = useData(
    (signal) => get<{ content: Content[] }>(path('products', product, 'content'), signal),
    [product],
  );
  const [names, setNames] = useState<string[]>([]);
  const deploy = async () => {
    await call('POST', path('gateways', product, serial, 'install'), { names });
    const when =
      expected === undefined || expected < Date.now()
        ? 'at its next check-in'
        : relative(expected, Date.now());
    notify(`${serial} will take ${names.join(', ')} ${when}.`);
  };
  const choices = tarballs(data?.content ?? []);
  return (
    <ActionDialog
      title={`Deploy to ${serial}`}
      does={names.length === 0 ? 'Deploy' : `Deploy ${names.join(', ')}`}
      disabled={names.length === 0}
      wide
      act={deploy}
      onClose={onClose}
    >
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && choices.length === 0 && (
        <Empty title="There is no application to deploy yet.">
          <p>
            <a href={link(product, 'content')}>Upload one first</a>: a tarball that is named
            APP.vVERSION.tar.gz.
          </p>
        </Empty>
      )}
      {choices.length > 0 && (
        <Choose choices={choices} names={names} onNames={setNames} apps={gateway.apps} />
      )}
      {pending.install !== undefined && (
        <p class="note">
          It has not taken {pending.install.names.join(', ')} yet, written <Time at={pending.install.since} />
          . A new deploy takes the place of that one.
        </p>
      )}
    </ActionDialog>
  );
}

/** Check boxes for tarballs; they are installed in the order in which they were chosen. */
export function Choose(props: {
  choices: readonly Content[];
  names: readonly string[];
  onNames: (names: string[]) => void;
  apps?: Record<string, string>;
}) {
  const { choices, names, onNames, apps } = props;
  const toggle = (id: string) =>
    onNames(names.includes(id) ? names.filter((each) => each !== id) : [...names, id]);
  return (
    <fieldset class="choose">
      <legend>Applications, installed in the order chosen</legend>
      {choices.map(({ id, app = '', version = '', size, updated }) => (
        <label key={id} class="choice">
          <input type="checkbox" checked={names.includes(id)} onChange={() => toggle(id)} />
          <span class="choice-name">
            <strong>{app}</strong> {version}
            {names.length > 1 && names.includes(id) && <span class="quiet"> ({names.indexOf(id) + 1}.)</span>}
          </span>
          <span class="quiet">
            {bytes(size)}, <Time at={updated} />
            {apps?.[app] === version
              ? ', installed now'
              : apps?.[app] !== undefined
                ? `, now ${apps[app]}`
                : ''}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
