/** The OpenAPI 3.1 document of the JSON API, put together from its tables. Served at /api/v1/openapi.json. */
import { VERSION } from '../host/version.ts';
import type { Operation } from './openapi-operation.ts';
import { OPERATIONS } from './openapi-operations.ts';
import { OPERATOR_SCHEMAS } from './openapi-operator-schemas.ts';
import { object, ref, type Schema, TEXT, TEXTS } from './openapi-schema.ts';
import { FLEET_SCHEMAS } from './openapi-schemas.ts';

const BODIES: Readonly<Record<string, Schema>> = {
  NewProduct: object({ id: TEXT }),
  NewGateway: object({ product: TEXT, serial: TEXT }),
  NewGateways: object({ serials: TEXTS }),
  InstallRequest: object({ names: TEXTS }),
  Value: object({ value: TEXT }),
  TagsRequest: object({}, { tags: TEXTS, add: TEXTS, remove: TEXTS }),
  OpenApi: { type: 'object' },
};

const MEDIA: Readonly<Record<string, readonly [type: string, schema: Schema]>> = {
  bytes: ['application/octet-stream', { type: 'string', format: 'binary' }],
  text: ['text/plain', TEXT],
  events: ['text/event-stream', TEXT],
};

const INTRODUCTION = `Times are milliseconds since 1970. A refusal is JSON: {"error":{"code","message","hint"?}} under the right status.
A token goes into "Authorization: Bearer TOKEN" (or X-Exosite-Token). A browser logs in with POST /api/v1/session, gets a
cookie, and sends X-Gwe-CSRF: 1 with everything that is no GET. A role may all that the ones before it may: viewer,
operator, admin; a token for some products may neither see nor change others.

Events: gateway {product, serial, lastSeen, state, apps?}, dataport {product, serial, alias, updated}, install {product,
serial, name, outcome, time}, rollout {id, product, state}, content {product, id}, group {product, name}, reset {}: what
was known is out of date, load it again.`;

/** The document as a value. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'gwe platform', version: VERSION, description: INTRODUCTION, license: { name: 'MIT' } },
  servers: [{ url: '/' }],
  security: [{ token: [] }, { session: [] }],
  paths: pathsOf(OPERATIONS),
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: 'gwe_session' },
    },
    schemas: { ...FLEET_SCHEMAS, ...OPERATOR_SCHEMAS, ...BODIES },
  },
};

function pathsOf(operations: readonly Operation[]): Record<string, Record<string, Schema>> {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const operation of operations) {
    const methods = paths[operation.path] ?? {};
    methods[operation.method.toLowerCase()] = operationOf(operation);
    paths[operation.path] = methods;
  }
  return paths;
}

function operationOf({ method, path, by, summary, query = {}, body, answers }: Operation): Schema {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => parameter(name, 'path', TEXT));
  const inQuery = Object.entries(query).map(([name, schema]) => parameter(name, 'query', schema));
  return {
    operationId: operationId(method, path),
    summary,
    'x-role': by,
    ...(by === 'anyone' ? { security: [] } : {}),
    parameters: [...inPath, ...inQuery],
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, name]) => [status, responseOf(status, name)]),
      ),
      default: responseOf('', 'Error'),
    },
  };
}

function parameter(name: string, where: 'path' | 'query', schema: Schema): Schema {
  return { name, in: where, ...(where === 'path' ? { required: true } : {}), schema };
}

function responseOf(status: string, name: string): Schema {
  const description = name === 'Error' ? 'Refused, and why.' : status === '201' ? 'Made.' : 'Done.';
  return { description, ...(name === '' ? {} : { content: contentOf(name) }) };
}

function contentOf(name: string): Schema {
  const [type, schema] = MEDIA[name] ?? ['application/json', ref(name)];
  return { [type]: { schema } };
}

/** `GET /api/v1/products/{product}/content` → `getProductsByProductContent`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/v1/, '')
    .split(/[/.-]/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/^\{(\w+)\}$/, 'by-$1'))
    .flatMap((word) => word.split('-'))
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return `${method.toLowerCase()}${words.join('')}`;
}
