/** One tag for all gateways that the list shows: given to them, or taken from them. */
import { useState } from 'preact/hooks';
import { call, get, path, withQuery } from './api.ts';
import { ActionDialog } from './dialog.tsx';
import { plural } from './format.ts';
import { filterOf, filterWords } from './gateway-filter.tsx';
import { notify } from './notice.tsx';
import { Field } from './parts.tsx';
import type { Gateway } from './types.ts';

/** Each is a call, and a record of who did what; more of them are better served by a group with a filter. */
export const TAGGED_MAX = 1000;
const AT_A_TIME = 8;

export function TagListed(props: {
  product: string;
  query: URLSearchParams;
  total: number;
  onClose: () => void;
}) {
  const { product, query, total, onClose } = props;
  const [tag, setTag] = useState('');
  const [takes, setTakes] = useState(false);
  const words = filterWords(query);
  const act = async () => {
    const serials = await listed(product, query);
    const body = { [takes ? 'remove' : 'add']: [tag.trim()] };
    for (let from = 0; from < serials.length; from += AT_A_TIME) {
      const some = serials.slice(from, from + AT_A_TIME);
      await Promise.all(some.map((serial) => call('PUT', path('gateways', product, serial, 'tags'), body)));
    }
    const of = plural(serials.length, 'gateway');
    notify(takes ? `Took the tag ${tag.trim()} from ${of}.` : `Gave the tag ${tag.trim()} to ${of}.`);
  };
  return (
    <ActionDialog
      title={`Tag ${plural(total, 'gateway')}`}
      does={takes ? 'Remove tag' : 'Add tag'}
      disabled={tag.trim() === '' || /[\s,]/.test(tag.trim())}
      act={act}
      onClose={onClose}
    >
      <p>{words.length === 0 ? 'All gateways of the product.' : `Those that fit: ${words.join(', ')}.`}</p>
      <Field label="Tag" for="tag" hint="One word. Other tags of these gateways stay.">
        <input
          id="tag"
          autoFocus
          autocomplete="off"
          aria-describedby="tag-hint"
          value={tag}
          onInput={(event) => setTag(event.currentTarget.value)}
        />
      </Field>
      <fieldset class="choose">
        <legend>What to do</legend>
        {[false, true].map((each) => (
          <label key={String(each)} class="choice">
            <input type="radio" name="takes" checked={takes === each} onChange={() => setTakes(each)} />
            <span class="choice-name">{each ? 'Take it from them' : 'Give it to them'}</span>
          </label>
        ))}
      </fieldset>
    </ActionDialog>
  );
}

/** The serial numbers that fit now, all before the first is changed: a tag may be what they are listed by. */
async function listed(product: string, query: URLSearchParams): Promise<string[]> {
  const { gateways } = await get<{ gateways: Gateway[] }>(
    withQuery('/gateways', { product, ...filterOf(query), limit: TAGGED_MAX }),
  );
  return gateways.map(({ serial }) => serial);
}
