/**
 * The others as daemons that wait for the next poll, each with the least configuration that it runs with, and the server
 * that they all poll: it says that there is nothing to do, in each one's language. Measuring them is up to the parts.
 */

import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Ending } from '../e2e/machine.ts';
import { type Chain, put } from './ground.ts';
import type { Bench } from './part.ts';
import { makeSigner } from './signer.ts';

export interface Agent {
  name: string;
  command: readonly string[];
  /** Name of the one process that counts, where its tree holds what a gateway has anyway. */
  only?: string;
}

/** Answers every poll with "nothing to do", one request a connection as hawkBit and Mender behind a proxy do after minutes. */
export async function startPolled(
  t: Ending,
  chain: Chain | undefined,
  poll_s: number,
): Promise<{ port: number; requests: string[]; onEnd: (done: () => void) => void }> {
  const requests: string[] = [];
  let ended = () => {};
  const sleep = new Date(poll_s * 1000).toISOString().slice(11, 19);
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    request.on('end', () => {
      response.setHeader('Connection', 'close');
      if (request.url?.endsWith('/auth_requests'))
        return void response.end('token-of-some-length'.repeat(30));
      if (request.url?.includes('/deployments/next')) return void response.writeHead(204).end();
      if (request.url?.includes('/controller/v1/')) {
        response.setHeader('Content-Type', 'application/hal+json;charset=UTF-8');
        return void response.end(JSON.stringify({ config: { polling: { sleep } }, _links: {} }));
      }
      response.end();
    });
  };
  const server =
    chain === undefined
      ? createServer(listener)
      : createTlsServer({ cert: readFileSync(chain.cert), key: readFileSync(chain.key) }, listener);
  server.on('connection', (socket) => socket.once('close', () => ended()));
  server.listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    requests,
    onEnd: (done) => {
      ended = done;
    },
  };
}

/** Mender's daemon. Its identity script and its name have fixed places, so it runs in a mount namespace that has ours there. */
export function mender(bench: Bench, url: string, poll_s: number, ca?: string): Agent {
  const folder = join(bench.folder, 'mender');
  put(join(folder, 'identity'), 'mender-device-identity', '#!/bin/sh\necho mac=02:00:00:00:00:01\n', 0o755);
  put(join(folder, 'data'), 'device_type', 'device_type=bench\n');
  put(join(folder, 'data'), 'artifact_info', 'artifact_name=none\n');
  const config = {
    ServerURL: url,
    UpdatePollIntervalSeconds: poll_s,
    InventoryPollIntervalSeconds: 1_000_000,
    RetryPollIntervalSeconds: 5,
    DBus: { Enabled: false },
    ...(ca === undefined ? {} : { ServerCertificate: ca }),
  };
  const path = put(folder, 'mender.conf', JSON.stringify(config));
  const line =
    'mount --bind "$1" /usr/share/mender/identity && mount --bind "$3" /etc/mender && exec mender --config "$2" --data "$3" --log-level warn daemon';
  return {
    name: 'mender daemon',
    command: ['unshare', '-m', 'sh', '-c', line, 'sh', join(folder, 'identity'), path, join(folder, 'data')],
  };
}

/** SWUpdate's suricatta, which polls a hawkBit. It wants to have rebooted well, which is what -c says. */
export function suricatta(bench: Bench, url: string, poll_s: number, ca?: string): Agent {
  const poll = ['-t', 'default', '-u', url, '-i', 'bench', '-p', String(poll_s)].join(' ');
  const trusted = ca === undefined ? poll : `${poll} -x`;
  const config = put(join(bench.folder, 'swupdate'), 'swupdate.cfg', 'globals: { };\n');
  return {
    name: 'swupdate suricatta',
    command: ['swupdate', '-f', config, '-k', makeSigner(bench).cert, '-m', '-M', '-u', trusted],
  };
}

/** RAUC's service on a bus of its own. */
export function rauc(bench: Bench): Agent {
  const folder = join(bench.folder, 'rauc');
  const config = put(
    folder,
    'system.conf',
    `[system]\ncompatible=bench\nbootloader=noop\nstatusfile=${folder}/status\n` +
      `[keyring]\npath=${folder}/keyring.pem\n[slot.rootfs.0]\ndevice=${folder}/slot\ntype=raw\nbootname=a\n`,
  );
  put(folder, 'slot', '');
  const line = 'exec rauc --conf="$1" --override-boot-slot=a service';
  return {
    name: 'rauc service',
    only: 'rauc',
    command: [
      'dbus-run-session',
      '--',
      'sh',
      '-c',
      `export DBUS_STARTER_BUS_TYPE=session; ${line}`,
      'sh',
      config,
    ],
  };
}

/** What a small agent in Python holds while it sleeps, with what it has imported to poll over HTTPS. */
export function python(bench: Bench): Agent {
  const script = put(
    bench.folder,
    'agent.py',
    'import json, os, ssl, subprocess, tarfile, time, urllib.request\n' +
      'context = ssl.create_default_context()\nwhile True:\n    time.sleep(43200)\n',
  );
  return { name: 'an agent in Python', command: ['/usr/bin/python3', script] };
}
