/** The operator's provisioning calls on models: list, create, info, update, delete. A model is what gwe calls a product. */
import { encodeForm, type FormPair } from '../client/wire.ts';
import { maySee } from './access.ts';
import { type Answer, csvList, empty, form, statusLine } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { isProductName } from './names.ts';
import { sweepContent } from './operator-content.ts';
import { fieldOf } from './request.ts';
import { newSecret } from './tokens.ts';

/** `GET …/model/`: one name a line. Models shared by other vendors (`show=shared`): there are none. */
export async function listModels({ request, platform, operator }: OperatorCall): Promise<Answer> {
  if (fieldOf(request.pairs(), 'show') === 'shared') return empty(204);
  const names = (await platform.store.products()).map((product) => product.name);
  return csvList(names.filter((name) => maySee(operator, name)));
}

/** `POST …/model/` with `model=&rid=|code=&options[]=…`; with `delete=true` it deletes. */
export async function createModel(call: OperatorCall): Promise<Answer> {
  const { request, platform } = call;
  const pairs = await request.form();
  const name = fieldOf(pairs, 'model') ?? '';
  if (fieldOf(pairs, 'delete') === 'true') return remove(call, name);
  if (!isProductName(name)) return statusLine(400);
  const end = await platform.store.addProduct({
    name,
    rid: newSecret(),
    template: encodeForm(templateOf(pairs)),
    now_ms: platform.clock.now(),
  });
  return end === 'added' ? empty(205) : statusLine(409);
}

/** `GET …/model/M`: form-encoded `rid=…&options[]=…`, as it was created. */
export async function modelInfo({ platform, params }: OperatorCall): Promise<Answer> {
  const product = await platform.store.product(params['model'] ?? '');
  if (product === undefined) return statusLine(404);
  return form(product.template === '' ? encodeForm([['rid', product.rid]]) : product.template);
}

/** `PUT …/model/M`: a form, whatever its Content-Type says. */
export async function updateModel({ request, platform, params }: OperatorCall): Promise<Answer> {
  const template = encodeForm(templateOf(await request.form()));
  return (await platform.store.setTemplate(params['model'] ?? '', template)) ? empty(205) : statusLine(404);
}

/** `DELETE …/model/M`: with all its serial numbers and content. A body (clients send one) says nothing new. */
export async function removeModel(call: OperatorCall): Promise<Answer> {
  await call.request.text();
  return remove(call, call.params['model'] ?? '');
}

async function remove({ platform }: OperatorCall, name: string): Promise<Answer> {
  const contents = (await platform.store.contents(name)) ?? [];
  if (!(await platform.store.removeProduct(name))) return statusLine(404);
  await sweepContent(platform, contents);
  return empty(205);
}

/** `rid` or `code`, and the options, each under the name that it came with. */
function templateOf(pairs: readonly FormPair[]): FormPair[] {
  return pairs.filter(([key]) => ['rid', 'code', 'options', 'options[]'].includes(key));
}
