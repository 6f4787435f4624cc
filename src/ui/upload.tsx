/** Where a file is dropped or chosen: how far it is, and what the platform found when it checked it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, path, upload, withQuery } from './api.ts';
import { Checks } from './checks.tsx';
import { asApiError } from './data.ts';
import { bytes, percent } from './format.ts';
import { Badge, Meter, Problem } from './parts.tsx';
import { link } from './route.ts';

interface Item {
  id: number;
  file: File;
  sent_bytes: number;
  state: 'waiting' | 'sending' | 'done' | 'failed';
  error?: ApiError;
  stop: AbortController;
}

let nextId = 1;

/** A file that misses its place is dropped nowhere: a browser would leave the page and show the file. */
function useNoOtherDrops(): void {
  useEffect(() => {
    const refuse = (event: Event) => event.preventDefault();
    addEventListener('dragover', refuse);
    addEventListener('drop', refuse);
    return () => {
      removeEventListener('dragover', refuse);
      removeEventListener('drop', refuse);
    };
  }, []);
}

export function Upload({ product, onDone }: { product: string; onDone: () => void }) {
  const [items, setItems] = useState<Item[]>([]);
  const [isOver, setOver] = useState(false);
  useNoOtherDrops();
  const input = useRef<HTMLInputElement>(null);
  const change = (file: File, patch: Partial<Item>) =>
    setItems((before) => before.map((item) => (item.file === file ? { ...item, ...patch } : item)));

  const send = async (item: Item, force = false) => {
    const { file, stop } = item;
    change(file, { state: 'sending', sent_bytes: 0 });
    const where = withQuery(path('products', product, 'content', file.name), {
      force: force ? 'true' : undefined,
    });
    try {
      await upload(where, file, (sent_bytes) => change(file, { sent_bytes }), stop.signal);
      change(file, { state: 'done', sent_bytes: file.size });
      onDone();
    } catch (thrown) {
      change(file, { state: 'failed', error: asApiError(thrown) });
    }
  };
  const take = async (files: FileList | null | undefined) => {
    const added = [...(files ?? [])].map(
      (file): Item => ({ id: nextId++, file, sent_bytes: 0, state: 'waiting', stop: new AbortController() }),
    );
    setItems((before) => [...added, ...before]);
    for (const item of added) await send(item);
  };
  return (
    <section aria-label="Upload">
      <div
        class={`drop ${isOver ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={({ relatedTarget, currentTarget }) => {
          if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setOver(false);
        }}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer?.files);
        }}
      >
        <p>
          <strong>Drop a tarball here</strong> or{' '}
          <button type="button" onClick={() => input.current?.click()}>
            Choose a file …
          </button>
        </p>
        <p class="quiet">
          APP.vVERSION.tar.gz, and APP.vVERSION.tar.gz.minisig for its signature. It is checked as a gateway
          would.
        </p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label="File to upload"
          onChange={({ currentTarget }) => {
            void take(currentTarget.files);
            // A file that was mended and is chosen once more would be no change.
            currentTarget.value = '';
          }}
        />
      </div>
      <ul class="uploads" aria-live="polite">
        {items.map((item) => (
          <UploadItem key={item.id} product={product} item={item} onForce={() => void send(item, true)} />
        ))}
      </ul>
    </section>
  );
}

function UploadItem({ product, item, onForce }: { product: string; item: Item; onForce: () => void }) {
  const { file, sent_bytes, state, error, stop } = item;
  const part = file.size === 0 ? 0 : sent_bytes / file.size;
  const checks = error?.checks ?? [];
  return (
    <li class="panel">
      <div class="upload-line">
        <span class="end-name">{file.name}</span>
        {state === 'sending' && (
          <>
            <Meter part={part} label={`${percent(sent_bytes, file.size)} % sent`} />
            <span class="quiet">
              {sent_bytes < file.size ? `${bytes(sent_bytes)} of ${bytes(file.size)}` : 'being checked …'}
            </span>
            <button type="button" class="small" onClick={() => stop.abort()}>
              Stop
            </button>
          </>
        )}
        {state === 'waiting' && <Badge word="waiting" />}
        {state === 'done' && (
          <>
            <Badge word="passed" />
            <span>
              Uploaded. <a href={link(product, 'content', [file.name])}>See the checks, or deploy it</a>
            </span>
          </>
        )}
        {state === 'failed' && <Badge word="failed" />}
      </div>
      {state === 'failed' && <Problem error={error} />}
      {state === 'failed' && checks.length > 0 && (
        <>
          <Checks checks={checks} />
          <p class="quiet">
            No gateway would install it. Build it again with <code>gwe --build-app</code>, which makes the
            same checks.{' '}
            <button type="button" class="small" onClick={onForce}>
              Upload it all the same
            </button>
          </p>
        </>
      )}
    </li>
  );
}
