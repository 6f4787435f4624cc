/** The platform's JSON API as functions, for the operator's commands; how a call travels is operator-http.ts's business. */
import {
  type Content,
  type Dataport,
  type Gateway,
  type GatewayPage,
  type InstallCommand,
  type Product,
  readContent,
  readDataport,
  readGateway,
  readGateways,
  readInstallCommand,
  readProduct,
  readProducts,
  readUploaded,
  readWhoami,
  type Uploaded,
  type Whoami,
} from './answers.ts';
import {
  type Endpoint,
  type Exchanger,
  openExchanger,
  SILENCE_LIMIT_S,
  type Upload,
} from './operator-http.ts';

export interface PointsWanted {
  /** The newest so many. */
  points?: number;
  /** Those after this point id. */
  since?: number;
  /** Held so long until there is one. */
  wait_s?: number;
}

export interface Operator {
  endpoint: Endpoint;
  whoami(): Promise<Whoami>;
  products(): Promise<Product[]>;
  createProduct(id: string): Promise<Product>;
  removeProduct(id: string): Promise<void>;
  /** All gateways that fit, page by page. */
  gateways(where: Query): Promise<Gateway[]>;
  /** One page of them: `limit` and `after` are parts of the query. */
  gatewayPage(where: Query): Promise<GatewayPage>;
  gateway(product: string, serial: string): Promise<Gateway>;
  addGateway(product: string, serial: string): Promise<void>;
  /** Adds all of them, or none. */
  addGateways(product: string, serials: readonly string[]): Promise<void>;
  removeGateway(product: string, serial: string): Promise<void>;
  enableGateway(product: string, serial: string): Promise<void>;
  read(
    product: string,
    serial: string,
    alias: string,
    wanted?: PointsWanted,
    signal?: AbortSignal,
  ): Promise<Dataport>;
  write(product: string, serial: string, alias: string, value: string): Promise<void>;
  content(product: string): Promise<Content[]>;
  upload(product: string, id: string, upload: Upload, force: boolean): Promise<Uploaded>;
  removeContent(product: string, id: string): Promise<void>;
  install(product: string, serial: string, names: readonly string[]): Promise<InstallCommand>;
  /** Any other call of the API; its answer is for the caller to read. */
  call: Exchanger['call'];
  close(): void;
}

/** Gateways asked for with one call. */
const PAGE = 1000;
/** The platform checks the whole tarball before it answers an upload. */
const UPLOAD_SILENCE_LIMIT_S = 300;

const enc = encodeURIComponent;
const productPath = (product: string) => `/api/v1/products/${enc(product)}`;
const gatewayPath = (product: string, serial: string) => `/api/v1/gateways/${enc(product)}/${enc(serial)}`;
const portPath = (product: string, serial: string, alias: string) =>
  `${gatewayPath(product, serial)}/dataports/${enc(alias)}`;
const contentPath = (product: string, id: string) => `${productPath(product)}/content/${enc(id)}`;

/** The API of the platform at `endpoint`; every function raises a GweError that says what was found and what to do. */
export async function openOperator(endpoint: Endpoint, env: NodeJS.ProcessEnv = {}): Promise<Operator> {
  const { call, close } = await openExchanger(endpoint, env);
  const get = (path: string) => call({ method: 'GET', path });
  const remove = async (path: string) => void (await call({ method: 'DELETE', path }));
  return {
    endpoint,
    whoami: async () => readWhoami(await get('/api/v1/whoami')),
    products: async () => readProducts(await get('/api/v1/products')),
    createProduct: async (id) =>
      readProduct(await call({ method: 'POST', path: '/api/v1/products', json: { id } })),
    removeProduct: (id) => remove(productPath(id)),
    gateways: (where) => allPages(where, get),
    gatewayPage: async (where) => readGateways(await get(`/api/v1/gateways${query(where)}`)),
    gateway: async (product, serial) => readGateway(await get(gatewayPath(product, serial))),
    addGateway: async (product, serial) =>
      void (await call({ method: 'POST', path: '/api/v1/gateways', json: { product, serial } })),
    addGateways: async (product, serials) =>
      void (await call({ method: 'POST', path: `${productPath(product)}/gateways`, json: { serials } })),
    removeGateway: (product, serial) => remove(gatewayPath(product, serial)),
    enableGateway: async (product, serial) =>
      void (await call({ method: 'POST', path: `${gatewayPath(product, serial)}/enable` })),
    read: async (product, serial, alias, wanted = {}, signal) =>
      readDataport(
        await call({
          method: 'GET',
          path: `${portPath(product, serial, alias)}${query({ points: wanted.points, since: wanted.since, wait: wanted.wait_s })}`,
          timeout_s: (wanted.wait_s ?? 0) + SILENCE_LIMIT_S,
          ...(signal === undefined ? {} : { signal }),
        }),
      ),
    write: async (product, serial, alias, value) =>
      void (await call({ method: 'PUT', path: portPath(product, serial, alias), json: { value } })),
    content: async (product) => readContent(await get(`${productPath(product)}/content`)),
    upload: async (product, id, upload, force) =>
      readUploaded(
        await call({
          method: 'PUT',
          path: `${contentPath(product, id)}${query({ force: force ? 'true' : undefined })}`,
          upload,
          timeout_s: UPLOAD_SILENCE_LIMIT_S,
        }),
      ),
    removeContent: (product, id) => remove(contentPath(product, id)),
    install: async (product, serial, names) =>
      readInstallCommand(
        await call({ method: 'POST', path: `${gatewayPath(product, serial)}/install`, json: { names } }),
      ),
    call,
    close,
  };
}

async function allPages(where: Query, get: (path: string) => Promise<unknown>): Promise<Gateway[]> {
  const all: Gateway[] = [];
  let after: string | undefined;
  do {
    const page = readGateways(await get(`/api/v1/gateways${query({ ...where, limit: PAGE, after })}`));
    all.push(...page.gateways);
    after = page.next === after ? undefined : page.next;
  } while (after !== undefined);
  return all;
}

/** What a call asks for: of a list each value comes by itself. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A query, with what is undefined left out. */
export function query(of: Query): string {
  const set = Object.entries(of).flatMap(([key, value]) =>
    [value ?? []].flat().map((each) => `${key}=${enc(String(each))}`),
  );
  return set.length === 0 ? '' : `?${set.join('&')}`;
}
