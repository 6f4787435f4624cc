/** A move to PostgreSQL as a process of its own, which kills itself the hard way when it has sent the first of the kind that is named. */
import { systemClock } from '../../src/host/clock.ts';
import { moveStore } from '../../src/platform/migrate.ts';

const [from = '', store = '', last = ''] = process.argv.slice(2);
await moveStore({
  from,
  store,
  clock: systemClock,
  signal: new AbortController().signal,
  onProgress(kind, step) {
    if (`${kind} ${step}` === last) process.kill(process.pid, 'SIGKILL');
  },
});
