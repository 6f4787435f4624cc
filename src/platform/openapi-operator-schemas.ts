/** The answers and bodies of the JSON API on operators and what they do: rollouts, tokens, sessions, audit. */
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

const PERCENT: Schema = { type: 'number', minimum: 0, maximum: 100 };
const CLOCK = said({ type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' }, 'HH:MM');
const ROLE = choice('viewer', 'operator', 'admin');

const STAGE: Schema = {
  oneOf: [object({ percent: PERCENT }), object({ count: COUNT })],
  description:
    'How many of all are told when this stage is reached; the last one is 100 percent when left out.',
};
const WINDOW = object(
  { from: CLOCK, to: said(CLOCK, 'HH:MM; before "from": the next day.') },
  {
    days: said(list({ type: 'integer', minimum: 0, maximum: 6 }), '0 = Sunday; every day when left out.'),
    timezone: said(TEXT, "For gateways that tell none; the platform's own when left out."),
  },
);

/** What an operator decides about a rollout. */
const PLAN = {
  product: TEXT,
  names: said(TEXTS, 'Tarballs of the Content Area, installed in this order.'),
};
const PLAN_OPTIONS = {
  name: TEXT,
  group: said(TEXT, 'A group of the product; all its gateways when neither is given.'),
  filter: ref('Filter'),
  stages: list(ref('Stage')),
  cap: said(COUNT, 'How many may be under way at a time.'),
  window: ref('Window'),
  failLimit_percent: said(
    PERCENT,
    'It pauses when more of those who ended failed, or fell silent after success.',
  ),
  silentAfter_s: said(COUNT, 'Silence after success that counts as failure, beside the interval.'),
  offlineUntil: said(TIME, 'Those who were not reached by then are left; without it they are waited for.'),
  dynamic: said(
    FLAG,
    'Gateways that come to fit later are added, in the last stage; it goes on until it is aborted.',
  ),
};

const MEMBER_STATE = said(
  choice('waiting', 'told', 'taken', 'watched', 'done', 'failed', 'silent', 'unhealthy', 'left', 'cancelled'),
  'waiting: not told yet; told: the command lies there; taken: the gateway has it; watched: it reported success; done: it has it, or had it already; silent: not seen any more after it took it; unhealthy: after success a program does not run; left: not reached in time; cancelled: not told before the rollout was aborted.',
);

export const OPERATOR_SCHEMAS: Readonly<Record<string, Schema>> = {
  Whoami: object(
    { name: TEXT, role: ROLE, vendor: TEXT, version: TEXT },
    { products: said(TEXTS, 'Those the token is for; all when left out.'), expires: TIME },
  ),
  SessionRequest: object({ token: TEXT }),

  Stage: STAGE,
  Window: WINDOW,
  RolloutRequest: object(PLAN, PLAN_OPTIONS),
  Rollout: object(
    {
      id: COUNT,
      name: TEXT,
      ...PLAN,
      stages: list(ref('Stage')),
      cap: COUNT,
      failLimit_percent: PERCENT,
      silentAfter_s: COUNT,
      state: said(
        choice('proposed', 'running', 'paused', 'aborting', 'aborted', 'complete'),
        'proposed: nobody is told before another operator approves it.',
      ),
      stage: said(COUNT, 'Index of the stage that is under way.'),
      created: TIME,
      createdBy: TEXT,
      changed: TIME,
      total: COUNT,
      counts: said(byName(COUNT), 'Gateways by state.'),
    },
    {
      group: TEXT,
      filter: ref('Filter'),
      window: ref('Window'),
      offlineUntil: TIME,
      dynamic: FLAG,
      why: said(TEXT, 'Why it is paused or aborted, or waits, in one sentence.'),
    },
  ),
  Rollouts: object({ rollouts: list(ref('Rollout')) }, { next: TEXT }),
  RolloutGateway: object(
    { product: TEXT, serial: TEXT, stage: COUNT, state: MEMBER_STATE, since: TIME },
    {
      why: TEXT,
      name: said(TEXT, 'The tarball that it is at.'),
      expected: said(TIME, 'When that is expected to change.'),
    },
  ),
  RolloutGateways: object({ gateways: list(ref('RolloutGateway')), total: COUNT }, { next: TEXT }),

  Token: object(
    { name: TEXT, role: ROLE, created: TIME, lastUsed: TIME },
    { products: TEXTS, expires: TIME, own: said(FLAG, 'The very one that asks.') },
  ),
  Tokens: object({ tokens: list(ref('Token')) }),
  TokenRequest: object({ name: TEXT, role: ROLE }, { products: TEXTS, expires: TIME }),
  NewToken: object(
    { name: TEXT, role: ROLE, token: said(TEXT, 'Shown only this once.') },
    { products: TEXTS, expires: TIME },
  ),

  AuditRecord: object(
    {
      seq: COUNT,
      time: TIME,
      who: said(TEXT, 'Name of the token.'),
      role: TEXT,
      address: TEXT,
      action: said(TEXT, 'Method and path.'),
      status: said(COUNT, 'With what it was answered.'),
      details: said(TEXT, 'What was sent, shortened; never a secret.'),
      previous: said(TEXT, 'Hash of the record before; 64 zeros at the first.'),
      hash: said(
        TEXT,
        'SHA-256 over `previous` and this record without its two hashes as canonical JSON, hex.',
      ),
    },
    { product: TEXT },
  ),
  Audit: object({ records: list(ref('AuditRecord')) }, { next: TEXT }),
};
