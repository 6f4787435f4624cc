/**
 * Preloaded into a gwe that is to die: whatever it does that changes the disk, or that others can see, goes through
 * shim-point.ts, which may kill it there.
 *
 * Environment: CRASH_ROOT (the gateway's folder), CRASH_RECORD (where to write down what was done), CRASH_AT (number of
 * what to die at; 0 = never), CRASH_TORN (1 = a write is done half before death), CRASH_DATA (1 = write down what was
 * written, too), CRASH_BOOT (the boot that this gateway believes to be in).
 */
import type { ChildProcess } from 'node:child_process';
import { counted, real } from './shim-files.ts';
import { children, note, point, root } from './shim-point.ts';

const path = process.getBuiltinModule('node:path');
Object.assign(process.getBuiltinModule('node:fs'), counted);

/** The small files that scripts installed, by path. */
function worldNow(folder = path.join(root, 'world'), under = ''): Record<string, string> {
  const found: Record<string, string> = {};
  if (!real.existsSync(folder)) return found;
  for (const item of real.readdirSync(folder, { withFileTypes: true })) {
    const inner = path.join(folder, item.name);
    if (item.isDirectory()) Object.assign(found, worldNow(inner, `${under}${item.name}/`));
    else found[`${under}${item.name}`] = real.readFileSync(inner).toString('base64');
  }
  return found;
}

const processes = process.getBuiltinModule('node:child_process');
const realSpawn = processes.spawn;
Object.assign(processes, {
  spawn(file: string, args: string[], options: object): ChildProcess {
    const what = path.basename(args.at(-1) ?? file);
    const child = point({ do: 'spawn', what, pid: 0 }, () => realSpawn(file, args, options));
    const { pid } = child;
    if (pid !== undefined) {
      children.add(pid);
      note({ do: 'spawn', what: '', pid });
    }
    child.once('exit', (status) => {
      point({ do: 'ended', what, pid: pid ?? 0 }, () => {});
      // One that stood by in vain has ended otherwise.
      if (what === 'sync' && status === 0) note({ do: 'sync-all', world: worldNow() });
      if (pid !== undefined) children.delete(pid);
    });
    return child;
  },
});

const { ClientRequest } = process.getBuiltinModule('node:http');
const { end, emit } = ClientRequest.prototype;
type Request = InstanceType<typeof ClientRequest>;
const label = (request: Request) => `${request.method} ${request.path.replace(/[?].*/, '')}`;
Object.assign(ClientRequest.prototype, {
  end(this: Request, ...args: [chunk: unknown, encoding: BufferEncoding]) {
    return point({ do: 'send', what: label(this) }, () => end.apply(this, args));
  },
  emit(this: Request, name: string, ...args: unknown[]) {
    const deliver = () => emit.call(this, name, ...args);
    return name === 'response' ? point({ do: 'answer', what: label(this) }, deliver) : deliver();
  },
});
