/** A platform as a process of its own, to be measured: started with the data folder (and a place for content), prints its port, ends in order with TERM. */
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';

const [dataFolder = '', content = ''] = process.argv.slice(2);
const running = await startPlatform({
  dataFolder,
  host: '127.0.0.1',
  port: 0,
  vendor: 'acme',
  presetToken: 'a-token-for-the-benches-of-the-platform',
  hasReader: true,
  ...(content === '' ? {} : { content }),
  log: createLog('WARNING'),
  clock: systemClock,
});
process.stdout.write(`${running.port}\n`);
process.once('SIGTERM', () => void running.close().then(() => process.exit(0)));
