/** Every path that the platform answers, as one table. The first row whose path and method fit answers. */
import { PATHS } from '../client/wire.ts';
import type { Handler, OperatorHandler } from './context.ts';
import * as device from './device-api.ts';
import * as products from './json-api.ts';
import * as dataports from './json-dataports.ts';
import * as gateways from './json-gateways.ts';
import * as content from './operator-content.ts';
import * as serial from './operator-gateway.ts';
import * as models from './operator-models.ts';
import * as serials from './operator-serials.ts';
import { health, page } from './page.ts';
import * as provision from './provision.ts';
import * as records from './record-api.ts';

export type Route = { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; path: RegExp } & (
  | { by: 'anyone'; answer: Handler }
  | { by: 'operator'; answer: OperatorHandler }
);

type Method = Route['method'];

/** `{name}` is one segment, `{name*}` the rest of the path; a slash at the end is a part of the path. */
function compile(path: string): RegExp {
  const escaped = path.replace(/[.:]/g, '\\$&');
  return new RegExp(
    `^${escaped.replace(/\{(\w+)\*\}/g, '(?<$1>.+)').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`,
  );
}

const open = (method: Method, path: string, answer: Handler): Route => ({
  method,
  path: compile(path),
  by: 'anyone',
  answer,
});

const guarded = (method: Method, path: string, answer: OperatorHandler): Route => ({
  method,
  path: compile(path),
  by: 'operator',
  answer,
});

const data = (alias: string, record: string): Route[] => [
  open('GET', alias, device.read),
  open('POST', alias, device.write),
  open('POST', record, records.record),
  open('POST', `${alias}/{alias*}`, records.recordOne),
];

const MANAGE = '/provision/manage';
const P = '/api/v1/products/{product}';
const G = '/api/v1/gateways/{product}/{serial}';

export const ROUTES: readonly Route[] = [
  ...data(PATHS.alias, PATHS.record),
  ...data(PATHS.aliasOlder, PATHS.recordOlder),
  open('GET', PATHS.timestamp, device.timestamp),
  open('GET', PATHS.ip, device.ip),
  open('POST', PATHS.activate, provision.activate),
  open('GET', PATHS.download, provision.download),

  guarded('GET', `${MANAGE}/model/`, models.listModels),
  guarded('POST', `${MANAGE}/model/`, models.createModel),
  guarded('GET', `${MANAGE}/model/{model}`, models.modelInfo),
  guarded('PUT', `${MANAGE}/model/{model}`, models.updateModel),
  guarded('DELETE', `${MANAGE}/model/{model}`, models.removeModel),
  guarded('GET', `${MANAGE}/model/{model}/`, serials.listSerials),
  guarded('POST', `${MANAGE}/model/{model}/`, serials.changeSerials),
  guarded('DELETE', `${MANAGE}/model/{model}/`, serials.removeSerials),
  guarded('GET', `${MANAGE}/model/{model}/{sn*}`, serial.serialInfo),
  guarded('POST', `${MANAGE}/model/{model}/{sn*}`, serial.changeSerial),
  guarded('DELETE', `${MANAGE}/model/{model}/{sn*}`, serial.removeSerial),
  guarded('GET', `${MANAGE}/content/{model}/`, content.listContent),
  guarded('POST', `${MANAGE}/content/{model}/`, content.createContent),
  guarded('GET', `${MANAGE}/content/{model}/{id*}`, content.contentInfo),
  guarded('POST', `${MANAGE}/content/{model}/{id*}`, content.uploadContent),
  guarded('DELETE', `${MANAGE}/content/{model}/{id*}`, content.removeContent),

  guarded('GET', '/api/v1/whoami', products.whoami),
  guarded('GET', '/api/v1/products', products.listProducts),
  guarded('POST', '/api/v1/products', products.createProduct),
  guarded('DELETE', P, products.removeProduct),
  guarded('PUT', `${P}/dataports/{alias}`, products.addProductAlias),
  guarded('GET', `${P}/content`, products.listContent),
  guarded('PUT', `${P}/content/{id*}`, products.putContent),
  guarded('GET', `${P}/content/{id*}`, products.getContent),
  guarded('DELETE', `${P}/content/{id*}`, products.removeContent),
  guarded('GET', '/api/v1/gateways', gateways.listGateways),
  guarded('POST', '/api/v1/gateways', gateways.addGateway),
  guarded('GET', G, gateways.getGateway),
  guarded('DELETE', G, gateways.removeGateway),
  guarded('POST', `${G}/enable`, gateways.enableGateway),
  guarded('POST', `${G}/install`, gateways.install),
  guarded('GET', `${G}/dataports`, dataports.listDataports),
  guarded('GET', `${G}/dataports/{alias}`, dataports.getDataport),
  guarded('PUT', `${G}/dataports/{alias}`, dataports.putDataport),

  open('GET', '/healthz', health),
  open('GET', '/', page),
];
