/** The half of the store that is about the fleet as a whole and its operators, put together on an open database. */
import type { DatabaseSync } from 'node:sqlite';
import type { FleetStore } from './fleet-store.ts';
import { prepareCounts } from './sqlite-counts.ts';
import type { DataTable } from './sqlite-data.ts';
import { prepareDigest } from './sqlite-digest.ts';
import { createQueries, prepareFleet } from './sqlite-fleet.ts';
import { prepareGroupRef, prepareGroups } from './sqlite-groups.ts';
import { prepareAudit, prepareTokens } from './sqlite-operators.ts';
import type { GatewayRef } from './store.ts';

/**
 * `run` makes a change durable, together with others; `find` leads from a reference to an id; `settle` brings "last seen"
 * into the file, which queries over many gateways read.
 */
export function openFleetStore(
  db: DatabaseSync,
  run: <T>(work: () => T) => Promise<T>,
  find: (who: GatewayRef) => { id: number } | undefined,
  settle: () => Promise<void>,
  data: DataTable,
): FleetStore {
  const queries = createQueries(db);
  const findGroup = prepareGroupRef(db);
  const fleet = prepareFleet(db, queries, find, findGroup);
  const groups = prepareGroups(db, queries, findGroup);
  const digest = prepareDigest(db, data);
  const counts = prepareCounts(db, queries);
  const tokens = prepareTokens(db);
  const audit = prepareAudit(db, queries);
  const settled = async <T>(read: () => T): Promise<T> => {
    await settle();
    return read();
  };
  return {
    fleet: (filter, page) => settled(() => fleet.fleet(filter, page)),
    setTags: (who, tags) => run(() => fleet.setTags(who, tags)),
    groups: (products, now_ms) => settled(() => groups.groups(products, now_ms)),
    group: (product, name, now_ms) => settled(() => groups.group(product, name, now_ms)),
    groupsOf: (product, serial, now_ms) => settled(() => groups.groupsOf(product, serial, now_ms)),
    countGroups: async (product) => groups.countGroups(product),
    groupMembers: async (product, name) => groups.groupMembers(product, name),
    putGroup: (product, name, change, now_ms) => run(() => groups.putGroup(product, name, change, now_ms)),
    removeGroup: (product, name) => run(() => groups.removeGroup(product, name)),
    digest: (written) => run(() => digest.digest(written)),
    undigested: async (after, limit) => digest.undigested(after, limit),
    countVersions: (now_ms) => run(() => counts.countVersions(now_ms)),
    overview: (products, since_ms, now_ms) => settled(() => counts.overview(products, since_ms, now_ms)),
    versions: async (product) => fleet.versions(product),
    sizes: async () => counts.sizes(),
    token: async (hash) => tokens.token(hash),
    tokens: async () => tokens.tokens(),
    countTokens: async () => tokens.countTokens(),
    putToken: (token) => run(() => tokens.putToken(token)),
    addToken: (token) => run(() => tokens.addToken(token)),
    removeToken: (name, now_ms) => run(() => tokens.removeToken(name, now_ms)),
    tokensUsed: (used) => run(() => tokens.tokensUsed(used)),
    appendAudit: (entry) => run(() => audit.appendAudit(entry)),
    audit: async (query) => audit.audit(query),
  };
}
