/**
 * Having supervisord take up an application's program, or let go of it, as `supervisorctl update` would, but for that one
 * program only: what else has changed in its configuration stays as it is until its operator says so.
 * The file it reads is written by others (its text by program.ts); whether the program does well is health.ts's.
 */
import { GweError } from '../errors.ts';
import { type Clock, systemClock } from '../host/clock.ts';
import { exchange } from './exchange.ts';
import { decodeAnswer, encodeCall, type XmlRpcAnswer, type XmlRpcValue } from './xmlrpc.ts';

export interface ProcessInfo {
  name: string;
  group: string;
  /** STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN. */
  state: string;
  /** Seconds since 1970 by supervisord's clock; 0 = never. */
  start_s: number;
  stop_s: number;
  now_s: number;
  exitStatus: number;
  /** 0 when it does not run. */
  pid: number;
  spawnError: string;
}

export interface Supervisor {
  /** Every process that supervisord knows. */
  processes(): Promise<ProcessInfo[]>;
  /** Takes up APP.conf, which is already in place: the program starts, or starts again. With autostart=false it starts only if it ran before. */
  takeUp(app: string): Promise<void>;
  /** Stops the program and lets supervisord forget it; fine if it does not know it. */
  remove(app: string): Promise<void>;
  /** The processes of one application's program; none when supervisord does not know it. */
  programState(app: string): Promise<ProcessInfo[]>;
}

/** gwe is a program of supervisord's too, and must not stop itself halfway through an update. */
export const OWN_PROGRAM = 'gwe';
/** supervisord answers at once from memory, but a gateway may be busy installing. */
const CALL_LIMIT_MS = 30_000;
/** supervisord kills a program `stopwaitsecs` (10 by default) after asking it to stop. */
const STOP_LIMIT_MS = 600_000;
/** A program that somebody else is stopping is waited for this often, this long each time. */
const STILL_RUNNING_TRIES = 240;
const STILL_RUNNING_PAUSE_MS = 250;

/** supervisord documentation: xmlrpc.Faults. */
const FAULT = {
  unknownMethod: 1,
  badName: 10,
  notRunning: 70,
  alreadyAdded: 90,
  stillRunning: 91,
  cantReread: 92,
};
const RUNNING_STATES = ['RUNNING', 'STARTING', 'BACKOFF'];

type Call = (
  method: string,
  params?: readonly (string | boolean)[],
  limit_ms?: number,
) => Promise<XmlRpcAnswer>;

/** supervisord behind its unix socket. Connects at each call; every method raises `supervisor` when there is none. */
export function connectSupervisor(
  socket: string,
  options: { timeout_ms?: number; clock?: Clock } = {},
): Supervisor {
  const clock = options.clock ?? systemClock;
  const call: Call = async (method, params = [], limit_ms = options.timeout_ms ?? CALL_LIMIT_MS) =>
    decodeAnswer(await exchange(socket, encodeCall(`supervisor.${method}`, params), limit_ms));
  const processes = async () => processList(answered(await call('getAllProcessInfo'), 'list its processes'));
  const programState = async (app: string) => (await processes()).filter(({ group }) => group === app);
  return {
    processes,
    programState,
    takeUp: async (app) => {
      const before = await programState(app);
      refuseOwn(app, before);
      const groups = await reload(call, app);
      if (!isConfigured(groups, app, before)) throw notIncluded(app);
      await letGo(call, clock, app);
      const wasRunning = before.some(({ state }) => RUNNING_STATES.includes(state));
      await add(call, app, wasRunning || (await startsByItself(call, app)));
    },
    remove: async (app) => {
      refuseOwn(app, await programState(app));
      await letGo(call, clock, app);
      tolerate(await call('reloadConfig'), [FAULT.cantReread], 'reload its configuration');
    },
  };
}

interface Groups {
  added: readonly XmlRpcValue[];
  changed: readonly XmlRpcValue[];
  removed: readonly XmlRpcValue[];
}

/** Has supervisord read its files again. It changes no program by that; it only tells which groups differ from the running ones. */
async function reload(call: Call, app: string): Promise<Groups> {
  const answer = await call('reloadConfig');
  if ('fault' in answer && answer.fault.code === FAULT.cantReread) {
    throw new GweError(
      'supervisor',
      `Cannot take up ${app}: supervisord refuses its configuration: ${answer.fault.text}`,
      {
        hint: 'As long as that stands, supervisord would not start again either: correct or remove the file that it names.',
      },
    );
  }
  const [groups] = list(answered(answer, 'reload its configuration'));
  const [added, changed, removed] = list(groups);
  return { added: list(added), changed: list(changed), removed: list(removed) };
}

function isConfigured(groups: Groups, app: string, before: readonly ProcessInfo[]): boolean {
  if (groups.added.includes(app) || groups.changed.includes(app)) return true;
  return before.length > 0 && !groups.removed.includes(app);
}

function notIncluded(app: string): GweError {
  return new GweError('supervisor', `Cannot take up ${app}: supervisord reads no [program:${app}]`, {
    hint: 'Its configuration must have an [include] section whose files = line covers the folder supervisor.conf_dir of gwe.',
  });
}

function refuseOwn(app: string, processes: readonly ProcessInfo[]): void {
  if (app !== OWN_PROGRAM && !processes.some(({ pid }) => pid === process.pid)) return;
  throw new GweError('supervisor', `Cannot restart ${app}: it is the program of gwe itself`, {
    hint: 'Name the application otherwise. gwe takes up a new version of itself at its next wake-up.',
  });
}

/** Stops all of the program's processes and removes it. */
async function letGo(call: Call, clock: Clock, app: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const stopped = await call('stopProcessGroup', [app, true], STOP_LIMIT_MS);
    tolerate(stopped, [FAULT.badName, FAULT.notRunning], `stop ${app}`);
    const removed = await call('removeProcessGroup', [app]);
    const busy = 'fault' in removed && removed.fault.code === FAULT.stillRunning;
    if (!busy || tries === STILL_RUNNING_TRIES) return tolerate(removed, [FAULT.badName], `remove ${app}`);
    await clock.sleep(STILL_RUNNING_PAUSE_MS);
  }
}

/** Adds the program; a `start` at once, not at supervisord's next tick. How the start goes is seen in the program's state. */
async function add(call: Call, app: string, start: boolean): Promise<void> {
  tolerate(await call('addProcessGroup', [app]), [FAULT.alreadyAdded], `add ${app}`);
  if (start) tolerate(await call('startProcessGroup', [app, false]), [], `start ${app}`);
}

/** Whether the program has autostart (the default). supervisord before 4.0 cannot tell: then it has. */
async function startsByItself(call: Call, app: string): Promise<boolean> {
  const answer = await call('getAllConfigInfo');
  if ('fault' in answer && answer.fault.code === FAULT.unknownMethod) return true;
  const programs = list(answered(answer, 'list its programs')).filter(
    (each) => each instanceof Map && each.get('group') === app,
  );
  return programs.some((each) => each instanceof Map && each.get('autostart') !== false);
}

function processList(value: XmlRpcValue): ProcessInfo[] {
  return list(value).map((each) => {
    if (!(each instanceof Map)) throw misshapen();
    const text = (key: string) => {
      const found: XmlRpcValue | undefined = each.get(key);
      if (typeof found !== 'string') throw misshapen();
      return found;
    };
    const number = (key: string) => {
      const found: XmlRpcValue | undefined = each.get(key);
      return typeof found === 'number' ? found : 0;
    };
    return {
      name: text('name'),
      group: text('group'),
      state: text('statename'),
      start_s: number('start'),
      stop_s: number('stop'),
      now_s: number('now'),
      exitStatus: number('exitstatus'),
      pid: number('pid'),
      spawnError: text('spawnerr'),
    };
  });
}

function list(value: XmlRpcValue | undefined): readonly XmlRpcValue[] {
  if (!Array.isArray(value)) throw misshapen();
  return value;
}

function misshapen(): GweError {
  return new GweError('protocol', "Cannot read supervisord's answer: it has another shape than documented");
}

function answered(answer: XmlRpcAnswer, act: string): XmlRpcValue {
  if ('value' in answer) return answer.value;
  throw new GweError(
    'supervisor',
    `Cannot have supervisord ${act}: ${answer.fault.text} (fault ${answer.fault.code})`,
  );
}

function tolerate(answer: XmlRpcAnswer, faults: readonly number[], act: string): void {
  if ('fault' in answer && faults.includes(answer.fault.code)) return;
  answered(answer, act);
}
