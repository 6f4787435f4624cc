/** The Content Area of a product: what can be deployed, and the place where a tarball is dropped. */
import { useState } from 'preact/hooks';
import { get, path } from './api.ts';
import { useData } from './data.ts';
import { tarballs } from './deploy.tsx';
import { bytes, plural } from './format.ts';
import { Badge, Commands, Empty, Loading, Panel, Problem, Time } from './parts.tsx';
import { link } from './route.ts';
import { Scroll } from './scroll.tsx';
import { useMay } from './session.ts';
import type { Content } from './types.ts';
import { Upload } from './upload.tsx';

/** They work as they stand, one after the other: whoever has no application yet has one after them. */
const WORKBENCH = String.raw`mkdir hello && cd hello
printf '#!/bin/sh\necho hello from install.sh\n' > install.sh && chmod +x install.sh
echo '{"name": "hello", "version": "1", "includes": ["install.sh"]}' > hello.json
gwe --build-app hello.json`;

export function ContentView({ product }: { product: string }) {
  const mayUpload = useMay('operator');
  const { data, error, reload } = useData(
    (signal) => get<{ content: Content[] }>(path('products', product, 'content'), signal),
    [product],
    ({ type }) => type === 'content' || type === 'install',
  );
  const contents = data?.content ?? [];
  const apps = tarballs(contents);
  const others = contents.filter(({ app }) => app === undefined);
  return (
    <>
      <h1>Content</h1>
      {mayUpload && <Upload product={product} onDone={reload} />}
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && contents.length === 0 && (
        <Empty title="Nothing is here yet.">
          <p>
            An application is a tarball named <code>APP.vVERSION.tar.gz</code> with an <code>install.sh</code>{' '}
            at its top. These lines make one, <code>hello/hello.v1.tar.gz</code>; drop it above:
          </p>
          <Commands text={WORKBENCH} label="commands that build a tarball" />
        </Empty>
      )}
      {apps.length > 0 && (
        <Panel title="Applications">
          <ContentTable product={product} contents={apps} />
        </Panel>
      )}
      {others.length > 0 && (
        <Panel title="Other files">
          <ContentTable product={product} contents={others} />
        </Panel>
      )}
    </>
  );
}

function ContentTable({ product, contents }: { product: string; contents: readonly Content[] }) {
  const [shown, setShown] = useState(50);
  return (
    <Scroll label="Content">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">On</th>
            <th scope="col" class="wide-only">
              Signature
            </th>
            <th scope="col" class="num wide-only">
              Size
            </th>
            <th scope="col">Uploaded</th>
          </tr>
        </thead>
        <tbody>
          {contents.slice(0, shown).map(({ id, app, version, gateways, signed, size, updated }) => (
            <tr key={id}>
              <th scope="row">
                <a href={link(product, 'content', [id])}>{id}</a>
              </th>
              <td>
                {app !== undefined && version !== undefined && (
                  <a href={link(product, 'gateways', [], { application: `${app}@${version}` })}>
                    {plural(gateways ?? 0, 'gateway')}
                  </a>
                )}
              </td>
              <td class="wide-only">
                {signed === true ? <Badge word="signed" /> : <span class="quiet">none</span>}
              </td>
              <td class="num wide-only">{bytes(size)}</td>
              <td>
                <Time at={updated} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {contents.length > shown && (
        <button type="button" onClick={() => setShown(shown + 200)}>
          Show more
        </button>
      )}
    </Scroll>
  );
}
