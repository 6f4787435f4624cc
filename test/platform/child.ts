/** A platform as a process of its own, to be killed: started with the data folder (and a place for content, and a store), prints its port. */
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { TOKEN } from './raw.ts';

const [dataFolder = '', content = '', store = ''] = process.argv.slice(2);
const running = await startPlatform({
  dataFolder,
  host: '127.0.0.1',
  port: 0,
  vendor: 'acme',
  presetToken: TOKEN,
  hasReader: true,
  ...(content === '' ? {} : { content }),
  ...(store === '' ? {} : { store }),
  log: createLog('WARNING'),
  clock: systemClock,
});
process.stdout.write(`${running.port}\n`);
