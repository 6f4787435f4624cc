/** Every call of the JSON API as one row of a table. The handlers' own table is routes.ts; a test holds the two together. */
import { FLEET } from './openapi-fleet.ts';
import { A, done, made, type Operation, ok, PAGE, PRODUCT } from './openapi-operation.ts';
import { choice, said, TEXT } from './openapi-schema.ts';

const R = `${A}/rollouts`;

const ROLLOUTS: readonly Operation[] = [
  {
    method: 'GET',
    path: R,
    by: 'viewer',
    summary: 'The rollouts, the newest first.',
    query: { ...PRODUCT, state: TEXT, ...PAGE },
    answers: ok('Rollouts'),
  },
  {
    method: 'POST',
    path: R,
    by: 'operator',
    summary: 'Starts a rollout.',
    body: 'RolloutRequest',
    answers: made('Rollout'),
  },
  { method: 'GET', path: `${R}/{id}`, by: 'viewer', summary: 'One rollout.', answers: ok('Rollout') },
  {
    method: 'POST',
    path: `${R}/{id}/approve`,
    by: 'operator',
    summary: 'Lets a proposed rollout begin; nobody approves their own.',
    answers: ok('Rollout'),
  },
  {
    method: 'POST',
    path: `${R}/{id}/pause`,
    by: 'operator',
    summary: 'Tells no further gateway, and takes back what was told and not taken yet.',
    answers: ok('Rollout'),
  },
  { method: 'POST', path: `${R}/{id}/resume`, by: 'operator', summary: 'Goes on.', answers: ok('Rollout') },
  {
    method: 'POST',
    path: `${R}/{id}/abort`,
    by: 'operator',
    summary: 'Takes back what was told and not taken yet, and ends.',
    answers: ok('Rollout'),
  },
  {
    method: 'POST',
    path: `${R}/{id}/retry`,
    by: 'operator',
    summary: 'Tells those that failed once more.',
    answers: ok('Rollout'),
  },
  {
    method: 'GET',
    path: `${R}/{id}/gateways`,
    by: 'viewer',
    summary: 'Its gateways, each with where it stands and why.',
    query: { state: TEXT, ...PAGE },
    answers: ok('RolloutGateways'),
  },
];

const OPERATORS: readonly Operation[] = [
  {
    method: 'GET',
    path: `${A}/whoami`,
    by: 'viewer',
    summary: 'Whose token this is, and what is served.',
    answers: ok('Whoami'),
  },
  {
    method: 'POST',
    path: `${A}/session`,
    by: 'anyone',
    summary: 'Logs a browser in: {"token"}; the answer sets a cookie.',
    body: 'SessionRequest',
    answers: ok('Whoami'),
  },
  {
    method: 'GET',
    path: `${A}/session`,
    by: 'viewer',
    summary: 'The same as whoami.',
    answers: ok('Whoami'),
  },
  { method: 'DELETE', path: `${A}/session`, by: 'viewer', summary: 'Logs the browser out.', answers: done },
  {
    method: 'GET',
    path: `${A}/tokens`,
    by: 'admin',
    summary: 'The tokens, never their secrets.',
    answers: ok('Tokens'),
  },
  {
    method: 'POST',
    path: `${A}/tokens`,
    by: 'admin',
    summary: 'Makes a token; its secret is in this answer alone.',
    body: 'TokenRequest',
    answers: made('NewToken'),
  },
  {
    method: 'DELETE',
    path: `${A}/tokens/{name}`,
    by: 'admin',
    summary: 'Revokes a token, and the sessions made with it.',
    answers: done,
  },
  {
    method: 'GET',
    path: `${A}/audit`,
    by: 'admin',
    summary: 'What operators changed.',
    query: {
      ...PRODUCT,
      who: TEXT,
      order: said(choice('newest', 'oldest'), 'newest when left out.'),
      ...PAGE,
    },
    answers: ok('Audit'),
  },
];

const SERVICE: readonly Operation[] = [
  {
    method: 'GET',
    path: `${A}/openapi.json`,
    by: 'anyone',
    summary: 'This document.',
    answers: ok('OpenApi'),
  },
  {
    method: 'GET',
    path: '/metrics',
    by: 'viewer',
    summary: "Counters for Prometheus; its token goes into the scraper's bearer token.",
    answers: ok('text'),
  },
  {
    method: 'GET',
    path: '/healthz',
    by: 'anyone',
    summary: 'Whether the platform lives.',
    answers: ok('text'),
  },
  {
    method: 'GET',
    path: '/readyz',
    by: 'anyone',
    summary: 'Whether it can serve: the store answers and takes writes, and it is not closing; if not, why.',
    answers: { 200: 'text', 503: 'text' },
  },
];

export const OPERATIONS: readonly Operation[] = [...FLEET, ...ROLLOUTS, ...OPERATORS, ...SERVICE];
