/** Every path that the platform answers, with who may call it, as one table. The first row whose path and method fit answers. */
import { PATHS } from '../client/wire.ts';
import type { Handler, OperatorHandler } from './context.ts';
import * as device from './device-api.ts';
import type { Role } from './fleet-store.ts';
import * as products from './json-api.ts';
import { listAudit } from './json-audit.ts';
import * as contents from './json-content.ts';
import * as dataports from './json-dataports.ts';
import { events } from './json-events.ts';
import * as gateway from './json-gateway.ts';
import * as gateways from './json-gateways.ts';
import * as groups from './json-groups.ts';
import { overview } from './json-overview.ts';
import * as rollouts from './json-rollouts.ts';
import * as sessions from './json-sessions.ts';
import * as tokens from './json-tokens.ts';
import * as content from './operator-content.ts';
import * as serial from './operator-gateway.ts';
import * as manageGroups from './operator-groups.ts';
import * as models from './operator-models.ts';
import * as serials from './operator-serials.ts';
import * as vendor from './operator-vendor.ts';
import { page, pageFile } from './page.ts';
import * as provision from './provision.ts';
import * as records from './record-api.ts';
import * as rpc from './rpc-api.ts';
import * as service from './service.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Place {
  method: Method;
  /** As it is documented, with its names in braces. */
  pattern: string;
  path: RegExp;
}

export type OpenRoute = Place & { by: 'anyone'; answer: Handler };
/** `by` is the least role that may call. */
export type OperatorRoute = Place & { by: Role; answer: OperatorHandler };
export type Route = OpenRoute | OperatorRoute;

/** `{name}` is one segment, `{name*}` the rest of the path; a slash at the end is a part of the path. */
function place(method: Method, pattern: string): Place {
  const escaped = pattern.replace(/[.:]/g, '\\$&');
  const source = escaped.replace(/\{(\w+)\*\}/g, '(?<$1>.+)').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { method, pattern, path: new RegExp(`^${source}$`) };
}

const open = (method: Method, pattern: string, answer: Handler): Route => ({
  ...place(method, pattern),
  by: 'anyone',
  answer,
});

const guarded =
  (by: Role) =>
  (method: Method, pattern: string, answer: OperatorHandler): Route => ({
    ...place(method, pattern),
    by,
    answer,
  });

const viewer = guarded('viewer');
const operator = guarded('operator');
const admin = guarded('admin');

const data = (alias: string, record: string): Route[] => [
  open('GET', alias, device.read),
  open('POST', alias, device.write),
  open('POST', record, records.record),
  open('POST', `${alias}/{alias*}`, records.recordOne),
];

const MANAGE = '/provision/manage';
const A = '/api/v1';
const P = `${A}/products/{product}`;
const G = `${A}/gateways/{product}/{serial}`;

const MANAGE_ROUTES: readonly Route[] = [
  viewer('GET', `${MANAGE}/model/`, models.listModels),
  admin('POST', `${MANAGE}/model/`, models.createModel),
  viewer('GET', `${MANAGE}/model/{model}`, models.modelInfo),
  admin('PUT', `${MANAGE}/model/{model}`, models.updateModel),
  admin('DELETE', `${MANAGE}/model/{model}`, models.removeModel),
  viewer('GET', `${MANAGE}/model/{model}/`, serials.listSerials),
  operator('POST', `${MANAGE}/model/{model}/`, serials.changeSerials),
  operator('DELETE', `${MANAGE}/model/{model}/`, serials.removeSerials),
  viewer('GET', `${MANAGE}/model/{model}/{sn*}`, serial.serialInfo),
  operator('POST', `${MANAGE}/model/{model}/{sn*}`, serial.changeSerial),
  operator('DELETE', `${MANAGE}/model/{model}/{sn*}`, serial.removeSerial),
  viewer('GET', `${MANAGE}/content/{model}/`, content.listContent),
  operator('POST', `${MANAGE}/content/{model}/`, content.createContent),
  viewer('GET', `${MANAGE}/content/{model}/{id*}`, content.contentInfo),
  operator('POST', `${MANAGE}/content/{model}/{id*}`, content.uploadContent),
  operator('DELETE', `${MANAGE}/content/{model}/{id*}`, content.removeContent),
  viewer('GET', `${MANAGE}/group/{model}/`, manageGroups.listGroups),
  operator('POST', `${MANAGE}/group/{model}/`, manageGroups.createGroup),
  viewer('GET', `${MANAGE}/group/{model}/{group}`, manageGroups.groupInfo),
  operator('POST', `${MANAGE}/group/{model}/{group}`, manageGroups.changeGroup),
  operator('DELETE', `${MANAGE}/group/{model}/{group}`, manageGroups.removeGroup),
  viewer('GET', `${MANAGE}/group/{model}/{group}/`, manageGroups.listMembers),
  operator('POST', `${MANAGE}/group/{model}/{group}/`, manageGroups.changeMembers),
  operator('DELETE', `${MANAGE}/group/{model}/{group}/`, manageGroups.removeMembers),
  viewer('GET', `${MANAGE}/share/{model}/`, vendor.listShares),
  viewer('GET', '/provision/register', vendor.vendorName),
  admin('POST', '/provision/register', vendor.registerVendor),
  admin('GET', '/provision/admin/auth/', vendor.listVendorTokens),
  admin('POST', '/provision/admin/auth/', vendor.changeVendorTokens),
  admin('DELETE', '/provision/admin/auth/{id}', vendor.removeVendorToken),
];

const FLEET_ROUTES: readonly Route[] = [
  viewer('GET', `${A}/products`, products.listProducts),
  admin('POST', `${A}/products`, products.createProduct),
  admin('DELETE', P, products.removeProduct),
  operator('PUT', `${P}/dataports/{alias}`, products.addProductAlias),
  operator('POST', `${P}/gateways`, gateways.addGateways),
  viewer('GET', `${P}/content`, contents.listContent),
  operator('PUT', `${P}/content/{id*}`, contents.putContent),
  viewer('GET', `${P}/content/{id*}`, contents.getContent),
  operator('DELETE', `${P}/content/{id*}`, contents.removeContent),
  viewer('GET', `${P}/content-details/{id*}`, contents.contentDetails),
  viewer('GET', `${A}/gateways`, gateways.listGateways),
  operator('POST', `${A}/gateways`, gateways.addGateway),
  viewer('GET', G, gateway.getGateway),
  operator('DELETE', G, gateways.removeGateway),
  operator('POST', `${G}/enable`, gateways.enableGateway),
  viewer('GET', `${G}/activations`, gateway.activations),
  operator('PUT', `${G}/tags`, gateways.putTags),
  operator('POST', `${G}/install`, gateway.install),
  viewer('GET', `${G}/pending`, gateway.getPending),
  viewer('GET', `${G}/why`, gateway.getWhy),
  viewer('GET', `${G}/dataports`, dataports.listDataports),
  viewer('GET', `${G}/dataports/{alias}`, dataports.getDataport),
  operator('PUT', `${G}/dataports/{alias}`, dataports.putDataport),
  viewer('GET', `${A}/groups`, groups.listGroups),
  viewer('GET', `${P}/groups/{group}`, groups.getGroup),
  operator('PUT', `${P}/groups/{group}`, groups.putGroup),
  operator('DELETE', `${P}/groups/{group}`, groups.removeGroup),
  viewer('GET', `${A}/overview`, overview),
  viewer('GET', `${A}/events`, events),
];

const R = `${A}/rollouts`;

const ROLLOUT_ROUTES: readonly Route[] = [
  viewer('GET', R, rollouts.listRollouts),
  operator('POST', R, rollouts.createRollout),
  viewer('GET', `${R}/{id}`, rollouts.getRollout),
  operator('POST', `${R}/{id}/approve`, rollouts.actOn('approve')),
  operator('POST', `${R}/{id}/pause`, rollouts.actOn('pause')),
  operator('POST', `${R}/{id}/resume`, rollouts.actOn('resume')),
  operator('POST', `${R}/{id}/abort`, rollouts.actOn('abort')),
  operator('POST', `${R}/{id}/retry`, rollouts.actOn('retry')),
  viewer('GET', `${R}/{id}/gateways`, rollouts.listMembers),
];

const OPERATOR_ROUTES: readonly Route[] = [
  viewer('GET', `${A}/whoami`, sessions.whoami),
  open('POST', `${A}/session`, sessions.logIn),
  viewer('GET', `${A}/session`, sessions.whoami),
  viewer('DELETE', `${A}/session`, sessions.logOut),
  admin('GET', `${A}/tokens`, tokens.listTokens),
  admin('POST', `${A}/tokens`, tokens.createToken),
  admin('DELETE', `${A}/tokens/{name}`, tokens.removeToken),
  admin('GET', `${A}/audit`, listAudit),
];

const SERVICE_ROUTES: readonly Route[] = [
  open('GET', `${A}/openapi.json`, service.openApi),
  viewer('GET', '/metrics', service.metrics),
  open('GET', '/healthz', service.health),
  open('GET', '/readyz', service.ready),
  open('GET', '/', page),
  open('GET', '/page/{name}', pageFile),
];

const DEVICE_ROUTES: readonly Route[] = [
  ...data(PATHS.alias, PATHS.record),
  ...data(PATHS.aliasOlder, PATHS.recordOlder),
  open('POST', '/onep:v1/rpc/process', rpc.process),
  open('POST', '/api:v1/rpc/process', rpc.process),
  open('GET', PATHS.timestamp, device.timestamp),
  open('GET', PATHS.ip, device.ip),
  open('POST', PATHS.activate, provision.activate),
  open('GET', PATHS.download, provision.download),
];

export const ROUTES: readonly Route[] = [
  ...DEVICE_ROUTES,
  ...MANAGE_ROUTES,
  ...FLEET_ROUTES,
  ...ROLLOUT_ROUTES,
  ...OPERATOR_ROUTES,
  ...SERVICE_ROUTES,
];
