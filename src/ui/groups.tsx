/** The groups of a product: who is listed, or fits a filter; made, changed and removed from the list of gateways. */
import { useState } from 'preact/hooks';
import { call, get, path, withQuery } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog, Dialog } from './dialog.tsx';
import { absolute, plural } from './format.ts';
import { filterOf, filterWords } from './gateway-filter.tsx';
import { Empty, Field, Loading, Problem } from './parts.tsx';
import { filterBody } from './rollout-plan.ts';
import { link } from './route.ts';
import type { Group, GroupDetail } from './types.ts';

interface GroupsProps {
  product: string;
  /** The list's own filter, which a group may take over. */
  query: URLSearchParams;
  onClose: () => void;
}

/** What the dialog shows: all groups, or one of them to be made, changed or removed. */
type View = { all: true } | { make: true } | { change: string } | { remove: string };

export function Groups({ product, query, onClose }: GroupsProps) {
  const [view, setView] = useState<View>({ all: true });
  const back = () => setView({ all: true });
  if ('make' in view) return <GroupForm product={product} query={query} onClose={back} />;
  if ('change' in view)
    return <ChangeGroup product={product} name={view.change} query={query} onClose={back} />;
  if ('remove' in view) return <RemoveGroup product={product} name={view.remove} onClose={back} />;
  return <GroupList product={product} onView={setView} onClose={onClose} />;
}

function GroupList(props: { product: string; onView: (view: View) => void; onClose: () => void }) {
  const { product, onView, onClose } = props;
  const { data, error } = useData(
    (signal) => get<{ groups: Group[] }>(withQuery('/groups', { product }), signal),
    [product],
    (change) => change.type === 'group',
  );
  const groups = data?.groups ?? [];
  return (
    <Dialog title={`Groups of ${product}`} onClose={onClose} wide>
      <Problem error={error} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && groups.length === 0 && (
        <Empty title="There is no group yet.">A rollout can be for a group, and so can the list.</Empty>
      )}
      <ul class="plain-list groups">
        {groups.map(({ name, gateways }) => (
          <li key={name}>
            <a href={link(product, 'gateways', [], { group: name })} onClick={onClose}>
              {name}
            </a>{' '}
            <span class="quiet">{plural(gateways, 'gateway')}</span>{' '}
            <span class="actions">
              <button type="button" class="small" onClick={() => onView({ change: name })}>
                Change<span class="hidden"> {name}</span> …
              </button>
              <button type="button" class="small danger" onClick={() => onView({ remove: name })}>
                Remove<span class="hidden"> {name}</span> …
              </button>
            </span>
          </li>
        ))}
      </ul>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => onView({ make: true })}>
          New group …
        </button>
      </div>
    </Dialog>
  );
}

function RemoveGroup({ product, name, onClose }: { product: string; name: string; onClose: () => void }) {
  return (
    <ActionDialog
      title={`Remove group ${name}?`}
      does="Remove group"
      danger
      act={() => call('DELETE', path('products', product, 'groups', name))}
      onClose={onClose}
    >
      <p>Its gateways stay as they are.</p>
    </ActionDialog>
  );
}

function ChangeGroup({ product, name, query, onClose }: GroupsProps & { name: string }) {
  const { data, error } = useData(
    (signal) => get<GroupDetail>(path('products', product, 'groups', name), signal),
    [product, name],
  );
  if (data !== undefined) return <GroupForm product={product} query={query} onClose={onClose} group={data} />;
  return (
    <Dialog title={`Group ${name}`} onClose={onClose}>
      <Problem error={error} />
      {error === undefined && <Loading />}
    </Dialog>
  );
}

function GroupForm({ product, query, onClose, group }: GroupsProps & { group?: GroupDetail }) {
  const [name, setName] = useState(group?.name ?? '');
  // As it was when the form opened, whatever is loaded since.
  const [before] = useState(group?.members ?? []);
  const [members, setMembers] = useState(before.join('\n'));
  const listed = new URLSearchParams(query);
  listed.delete('group');
  // It would be kept as the moment that it means now.
  listed.delete('seen');
  const words = filterWords(listed);
  const [takesFilter, setTakesFilter] = useState(group === undefined && words.length > 0);
  const serials = [...new Set(members.split(/[\s,]+/).filter((word) => word !== ''))];
  const [keeps, setKeeps] = useState(true);
  const left = keeps ? {} : { filter: {} };
  const filter = takesFilter ? { filter: filterBody(filterOf(listed)) } : left;
  return (
    <ActionDialog
      title={group === undefined ? 'New group' : `Group ${group.name}`}
      does="Save group"
      disabled={name.trim() === ''}
      act={() =>
        call('PUT', path('products', product, 'groups', name.trim()), {
          ...changeOf(before, serials),
          ...filter,
        })
      }
      onClose={onClose}
    >
      {group === undefined && (
        <Field label="Name of the group" for="group-name">
          <input
            id="group-name"
            autoFocus
            autocomplete="off"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </Field>
      )}
      <Field
        label="Serial numbers"
        for="members"
        hint="Those that belong to it whatever they report; with a blank or a new line between."
      >
        <textarea
          id="members"
          rows={5}
          autoFocus={group !== undefined}
          aria-describedby="members-hint"
          value={members}
          onInput={(event) => setMembers(event.currentTarget.value)}
        />
      </Field>
      {group?.filter !== undefined && (
        <label class="choice">
          <input
            type="checkbox"
            checked={keeps && !takesFilter}
            disabled={takesFilter}
            onChange={(event) => setKeeps(event.currentTarget.checked)}
          />
          <span class="fits">And whoever fits: {fitWords(group.filter)}</span>
        </label>
      )}
      {words.length > 0 && (
        <label class="choice">
          <input
            type="checkbox"
            checked={takesFilter}
            onChange={(event) => setTakesFilter(event.currentTarget.checked)}
          />
          <span class="fits">
            {group?.filter === undefined ? 'Also' : 'Instead'} whoever fits this list: {words.join(', ')}
          </span>
        </label>
      )}
    </ActionDialog>
  );
}

/** Members are told as those that come and go: whoever somebody else put in meanwhile stays. */
function changeOf(before: readonly string[], wanted: readonly string[]): Record<string, string[]> {
  const [had, wants] = [new Set(before), new Set(wanted)];
  return {
    add: wanted.filter((serial) => !had.has(serial)),
    remove: before.filter((serial) => !wants.has(serial)),
  };
}

const FITS: Readonly<Record<string, string>> = {
  tags: 'tag',
  states: 'state',
  serialContains: 'serial number with',
  serialPrefix: 'serial number from',
  seenAfter: 'seen after',
  seenBefore: 'not seen since',
};

/** A group's filter in words. Its only numbers are moments. */
function fitWords(filter: Readonly<Record<string, unknown>>): string {
  return Object.entries(filter)
    .map(([name, value]) => {
      const what = typeof value === 'number' ? absolute(value) : [value].flat().join(', ');
      return `${FITS[name] ?? name} ${what}`;
    })
    .join('; ');
}
