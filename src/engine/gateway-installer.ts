/** The installer of this gateway: the platform's Content Area as its source, the outbox as where its ends go. */
import { type Installer, openInstaller } from '../installer/installer.ts';
import { fetchStatusText } from '../reports/fetch-status.ts';
import type { Engine, Sending } from './engine.ts';
import { readPublicKeys } from './public-keys.ts';
import { trySendReports } from './report.ts';
import { withEnd } from './state.ts';

/** Opens the installer. It asks the platform with the key that the engine has at that moment. */
export function openGatewayInstaller(engine: Omit<Engine, 'installer' | 'sending'>): {
  installer: Installer;
  sending: Sending;
} {
  const { context, client, identity, outbox, settings, log } = engine;
  const { vendor, model } = identity;
  let sent: Promise<void> = Promise.resolve();
  const installer = openInstaller({
    places: context.places,
    settings,
    clock: context.clock,
    log,
    serial: identity.serial,
    env: context.env,
    executable: context.executable[0] ?? process.execPath,
    supervisor: engine.supervisor,
    contentInfo: (id) => client.contentInfo(engine.cik ?? '', { vendor, model, id }),
    download: (id, from_byte, signal) =>
      client.download(engine.cik ?? '', { vendor, model, id }, { from_byte, signal }),
    report: (end, id) => {
      outbox.add({ id, alias: 'fetch_status', value: fetchStatusText(end), time_ms: end.time_ms });
      log.info(fetchStatusText({ ...end, output: Buffer.alloc(0) }).trim());
      if (end.outcome !== 'waiting') engine.state.lastEnds = withEnd(engine.state.lastEnds, end);
      engine.saveState();
      sent = sent.then(() => trySendReports(engine));
    },
    publicKeys: () => readPublicKeys(context.places, log),
  });
  return { installer, sending: { settled: () => sent } };
}
