/** A scenario on its stage: everything uploaded, what is installed before installed, and the way gone once undisturbed. */
import { join } from 'node:path';
import { checkIn, type Gateway, makeGateway } from './gateway.ts';
import { judge, momentOf } from './judge.ts';
import type { Operation } from './operations.ts';
import type { Scenario } from './scenarios.ts';
import type { Stage } from './stage.ts';

export interface Ground {
  stage: Stage;
  scenario: Scenario;
  /** Folder to copy gateways from. */
  template: string;
  /** What an undisturbed gateway does. */
  undisturbed: readonly Operation[];
}

/** Lays the ground. Raises an Error when the undisturbed gateway already breaks a promise. */
export async function layGround(stage: Stage, scenario: Scenario): Promise<Ground> {
  const { name, tarballs, before } = scenario;
  await stage.addProduct(name);
  for (const [file, bytes] of Object.entries(tarballs)) await stage.upload(name, file, bytes);
  const first = await makeGateway(stage, name, 'template');
  if (before.length > 0) {
    await stage.write(name, 'template', 'engine_fetch', instructionOf(before));
    const { status, stderr } = await checkIn(first, 0);
    if (status !== 0) throw new Error(`${name}: what is installed before ended with ${status}: ${stderr}`);
  }
  const template = join(stage.folder, name, 'template/root');
  const gateway = await commanded({ stage, scenario, template }, 'undisturbed');
  const moment = await momentOf(gateway);
  const turn = await checkIn(gateway, 1);
  const { violations } = await judge(gateway, scenario, [moment], turn);
  if (violations.length > 0) throw new Error(`${name}, undisturbed: ${violations.join('\n')}`);
  return { stage, scenario, template, undisturbed: turn.operations };
}

/** The text that names these tarballs in engine_fetch. */
export function instructionOf(files: readonly string[]): string {
  return JSON.stringify({ install: files.map((name) => ({ name })) });
}

/** A fresh gateway for which the scenario's command stands on the platform. */
export async function commanded(
  { stage, scenario, template }: Pick<Ground, 'stage' | 'scenario' | 'template'>,
  serial: string,
): Promise<Gateway> {
  const gateway = await makeGateway(stage, scenario.name, serial, template);
  const command = scenario.command ?? { engine_fetch: instructionOf(scenario.install) };
  for (const [alias, value] of Object.entries(command))
    await stage.write(scenario.name, serial, alias, value);
  return gateway;
}
