/** One file of the Content Area: its checks, its signature, who has it; deploying and deleting it. */
import { useState } from 'preact/hooks';
import { call, get, path } from './api.ts';
import { Checks } from './checks.tsx';
import { useData } from './data.ts';
import { DeployContent } from './deploy-content.tsx';
import { ActionDialog } from './dialog.tsx';
import { bytes, compareVersions, number, percent, plural } from './format.ts';
import { notify } from './notice.tsx';
import { Badge, Empty, Loading, Meter, Panel, Problem, Time } from './parts.tsx';
import { go, link } from './route.ts';
import { useMay } from './session.ts';
import type { ContentDetail } from './types.ts';

export function ContentDetailView({ product, id }: { product: string; id: string }) {
  const { data, error, reload } = useData(
    (signal) => get<ContentDetail>(path('products', product, 'content-details', id), signal),
    [product, id],
    ({ type }) => type === 'content' || type === 'install',
  );
  return (
    <>
      <p class="crumbs">
        <a href={link(product, 'content')}>Content</a>
      </p>
      {data === undefined && <h1 class="long">{id}</h1>}
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <Shown product={product} content={data} />}
    </>
  );
}

function Shown({ product, content }: { product: string; content: ContentDetail }) {
  const [open, setOpen] = useState<'deploy' | 'delete' | undefined>();
  const mayChange = useMay('operator');
  const { id, size, sha256, updated, facts, meta, app } = content;
  return (
    <>
      <div class="view-head">
        <h1 class="long">{id}</h1>
        {mayChange && (
          <div class="actions">
            {app !== undefined && (
              <>
                <button type="button" class="primary" onClick={() => setOpen('deploy')}>
                  Deploy to a gateway …
                </button>
                <a class="button" href={link(product, 'rollouts', ['new'], { name: id })}>
                  Roll out …
                </a>
              </>
            )}
            <button type="button" class="danger" onClick={() => setOpen('delete')}>
              Delete …
            </button>
          </div>
        )}
      </div>
      <dl class="facts">
        <Fact name="Size" text={bytes(size)} />
        {facts !== undefined && (
          <Fact
            name="Unpacked"
            text={`${bytes(facts.unpacked)} in ${plural(facts.entries, 'entry', 'entries')}`}
          />
        )}
        <div>
          <dt>Uploaded</dt>
          <dd>
            <Time at={updated} />
          </dd>
        </div>
        {meta !== '' && <Fact name="Note" text={meta} />}
        <div class="whole">
          <dt>SHA-256</dt>
          <dd class="mono long">{sha256}</dd>
        </div>
      </dl>
      <div class="grid">
        <Panel title="Checks">
          {content.checks.length === 0 ? (
            <p class="quiet">No tarball: nothing to check.</p>
          ) : (
            <Checks checks={content.checks} />
          )}
        </Panel>
        <div>
          <Panel title="Signature">
            <Signature content={content} />
          </Panel>
          {app !== undefined && <WhoHasIt product={product} content={content} />}
        </div>
      </div>
      {open === 'deploy' && <DeployContent product={product} id={id} onClose={() => setOpen(undefined)} />}
      {open === 'delete' && (
        <ActionDialog
          title={`Delete ${id}?`}
          does="Delete"
          danger
          onClose={() => setOpen(undefined)}
          act={async () => {
            await call('DELETE', path('products', product, 'content', id));
            notify(`Deleted ${id}.`);
            go(link(product, 'content'));
          }}
        >
          <p>
            Gateways that have it keep it. Those that were told to install it and have not fetched it yet
            cannot.
          </p>
        </ActionDialog>
      )}
    </>
  );
}

function Fact({ name, text }: { name: string; text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function Signature({ content: { signature, signed, id } }: { content: ContentDetail }) {
  if (signature === undefined) {
    return (
      <p>
        {signed === true ? 'A signature lies beside it, but it cannot be read.' : 'None.'}{' '}
        <span class="quiet">
          Sign it with <code>gwe sign {id}</code> and upload the .minisig beside it. Gateways that hold a key
          install nothing without.
        </span>
      </p>
    );
  }
  return (
    <>
      <p>
        <Badge word="signed" /> by key <span class="mono">{signature.keyId}</span>
      </p>
      <p class="quiet">{signature.trustedComment}</p>
    </>
  );
}

function WhoHasIt({
  product,
  content: { app = '', version, versions },
}: {
  product: string;
  content: ContentDetail;
}) {
  const rows = Object.entries(versions).sort(([one], [other]) => compareVersions(other, one));
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  return (
    <Panel title={`Who has ${app}`}>
      {rows.length === 0 && <Empty title="No gateway has it yet." />}
      <dl class="usage">
        {rows.map(([each, count]) => (
          <div key={each}>
            <dt>
              <a href={link(product, 'gateways', [], { application: `${app}@${each}` })}>{each}</a>
              {each === version && <span class="quiet"> this one</span>}
            </dt>
            <dd>
              <Meter part={count / total} label={`${percent(count, total)} %`} />
              <span class="num">{number(count)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
