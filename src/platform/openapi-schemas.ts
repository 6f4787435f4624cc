/** The answers and bodies of the JSON API on the fleet: gateways, groups, dataports, content, overview. Those of operators lie in openapi-operator-schemas.ts. */
import {
  byName,
  COUNT,
  choice,
  FLAG,
  list,
  object,
  ref,
  type Schema,
  said,
  TEXT,
  TEXTS,
  TIME,
} from './openapi-schema.ts';

const STATE = said(
  choice('on-time', 'late', 'lost', 'never'),
  'By the time since it was last seen and its update interval; never: not seen yet.',
);

/** What `GET /gateways` filters by, as a group keeps it. */
const FILTER = object(
  {},
  {
    serialPrefix: TEXT,
    serialContains: TEXT,
    tags: said(TEXTS, 'It has all of these.'),
    application: said(TEXT, 'NAME or NAME@VERSION.'),
    states: list(STATE),
    seenAfter: TIME,
    seenBefore: TIME,
  },
);

const GATEWAY = {
  product: TEXT,
  serial: TEXT,
  status: choice('activated', 'notactivated'),
  state: STATE,
  created: TIME,
  lastSeen: TIME,
  apps: said(byName(TEXT), 'Version of each application, as the gateway reported it.'),
  tags: TEXTS,
};
const INTERVAL = {
  updateInterval: said({ type: 'integer', minimum: 1 }, 'Seconds, as the gateway reported it.'),
};

/** Why a gateway is not yet what it was told to be. */
const WAIT = object(
  {
    code: said(
      choice('activation', 'check-in', 'overdue', 'install', 'interval', 'failed', 'rollout'),
      'overdue: it should have checked in; failed: its last install did not succeed.',
    ),
    text: said(TEXT, 'One sentence for a person.'),
    todo: said(TEXT, 'What to do about it.'),
    since: TIME,
  },
  { expected: said(TIME, 'When it is expected to change.'), rollout: COUNT },
);

const POINT = object({ id: COUNT, time: TIME, value: TEXT });
const PORT = { alias: TEXT, value: TEXT, updated: TIME };
const CONTENT = {
  id: TEXT,
  size: COUNT,
  sha256: TEXT,
  type: TEXT,
  updated: TIME,
  meta: TEXT,
};
const HAS = {
  app: said(TEXT, 'Of a tarball: the application in its name.'),
  version: TEXT,
  gateways: said(COUNT, 'How many gateways report this very version.'),
  signed: said(FLAG, 'ID.minisig lies beside it.'),
};
const FACTS = object({ app: TEXT, version: TEXT, entries: COUNT, unpacked: COUNT });
const CHECK = object(
  { id: TEXT, sentence: said(TEXT, 'What must be so.'), result: choice('passed', 'failed', 'not reached') },
  { why: TEXT, hint: TEXT },
);
const PENDING = object(
  {},
  {
    install: object({ names: TEXTS, text: TEXT, since: TIME, etag: TEXT }),
    updateInterval: object({ value: TEXT, since: TIME }),
  },
);
const INSTALL_END = object({
  name: TEXT,
  outcome: choice('installed', 'discarded', 'failed', 'gone', 'waiting', 'malformed'),
  time: TIME,
});

export const FLEET_SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object({
    error: object({ code: TEXT, message: TEXT }, { hint: TEXT, checks: list(ref('Check')) }),
  }),
  Product: object({ id: TEXT, created: TIME, gateways: COUNT }),
  Products: object({ products: list(ref('Product')) }),
  Alias: object({ alias: TEXT }),
  Added: object({ added: COUNT }),

  State: STATE,
  Filter: FILTER,
  Gateway: object(GATEWAY, INTERVAL),
  Gateways: object(
    {
      gateways: list(ref('Gateway')),
      total: said(
        COUNT,
        'How many the filter fits, on all pages. Of more than 200,000 gateways it may be some seconds old, or an estimate the first time.',
      ),
    },
    { next: said(TEXT, 'Give it back as after= for the next page.') },
  ),
  GatewayDetail: object(
    {
      ...GATEWAY,
      groups: TEXTS,
      reports: said(
        byName(object({ value: TEXT, updated: TIME })),
        'Newest device_info, engine_report, usage_report and fetch_status, as the gateway wrote them.',
      ),
      pending: PENDING,
      waitsFor: said(
        list(ref('Wait')),
        'What stands between it and what it was told; empty when nothing does.',
      ),
    },
    { ...INTERVAL, expected: said(TIME, 'Its next check-in.'), lastInstall: INSTALL_END },
  ),
  Wait: WAIT,
  Why: object({ product: TEXT, serial: TEXT, time: TIME, causes: list(ref('Wait')) }),
  Pending: PENDING,
  InstallEnd: INSTALL_END,
  Tags: object({ tags: TEXTS }),
  Activations: object({ activations: list(object({ time: TIME, address: TEXT, entry: TEXT })) }),

  Group: object(
    {
      product: TEXT,
      name: TEXT,
      meta: TEXT,
      created: TIME,
      gateways: said(COUNT, 'Listed or fitting the filter.'),
    },
    { filter: ref('Filter'), members: said(TEXTS, 'Serials that are listed; in GET of one group.') },
  ),
  Groups: object({ groups: list(ref('Group')) }),
  GroupChange: object({}, { meta: TEXT, filter: ref('Filter'), members: TEXTS, add: TEXTS, remove: TEXTS }),

  Dataports: object({ dataports: list(object(PORT)) }),
  Point: POINT,
  Dataport: object({
    ...PORT,
    etag: TEXT,
    points: list(ref('Point')),
  }),
  Written: object({ updated: TIME, etag: TEXT }),
  Install: object({ text: TEXT, etag: TEXT, since: COUNT }),

  Content: object(CONTENT, HAS),
  Contents: object({ content: list(ref('Content')) }),
  ContentDetail: object(
    {
      ...CONTENT,
      checks: said(list(ref('Check')), 'Those that a gateway makes; empty for what is no tarball.'),
      versions: said(byName(COUNT), 'Gateways by version of this application.'),
    },
    {
      ...HAS,
      facts: ref('Facts'),
      signature: object({ keyId: TEXT, trustedComment: TEXT }),
    },
  ),
  Facts: FACTS,
  Check: CHECK,
  Uploaded: object({ id: TEXT, size: COUNT, sha256: TEXT }, { facts: ref('Facts') }),

  Overview: object({
    time: TIME,
    gateways: object({ total: COUNT, 'on-time': COUNT, late: COUNT, lost: COUNT, never: COUNT }),
    versions: said(
      list(object({ app: TEXT, version: TEXT, gateways: COUNT })),
      'As it is now, the most frequent first.',
    ),
    history: said(
      list(object({ time: TIME, app: TEXT, version: TEXT, gateways: COUNT })),
      'The same at the end of each hour, oldest first.',
    ),
    hours: said(
      list(
        object({
          time: TIME,
          checkIns: COUNT,
          installs: said(COUNT, 'Installs that succeeded.'),
          failures: said(COUNT, 'Installs that ended otherwise.'),
        }),
      ),
      'By the hour in which they were, oldest first; hours with nothing are left out.',
    ),
    limits: said(
      object({
        lateAfter: { type: 'number' },
        lostAfter: { type: 'number' },
        grace: COUNT,
        defaultInterval: COUNT,
      }),
      'A gateway is late (lost) after so many intervals and so many seconds of grace.',
    ),
  }),
};
