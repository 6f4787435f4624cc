/** The part `start`: what it costs to be started at all. */
import { GWE } from '../e2e/machine.ts';
import { alternately, measure, tableOf } from './measure.ts';
import type { Bench, Findings, Part } from './part.ts';

const ROUNDS = 31;

export const start: Part = {
  name: 'start',
  sentence:
    'Start-up: the program tells its version and ends; Python imports what an agent needs, Node.js says hello.',
  needs: ['time'],
  run: startUp,
};

const IMPORTS = 'import json, os, ssl, subprocess, tarfile, time, urllib.request';

async function startUp(bench: Bench): Promise<Findings> {
  const way = (name: string, ...command: string[]) => ({
    name,
    run: () => measure(command, { folder: bench.folder }),
  });
  const ways = [
    way('sh -c :', '/bin/sh', '-c', ':'),
    ...(bench.has('rauc') ? [way('rauc --version', 'rauc', '--version')] : []),
    ...(bench.has('mender') ? [way('mender --version', 'mender', '--version')] : []),
    ...(bench.has('swupdate') ? [way('swupdate --version', 'swupdate', '--version')] : []),
    ...(bench.has('python') ? [way('python3 with imports', '/usr/bin/python3', '-c', IMPORTS)] : []),
    way('node hello', process.execPath, '-e', 'console.log("hello")'),
    way('gwe --version', GWE, '--version'),
  ];
  const { taken, failed } = await alternately(bench, ways, bench.rounds(ROUNDS));
  return {
    tables: [tableOf('Start-up', taken, 'node hello')],
    notes: failed,
  };
}
