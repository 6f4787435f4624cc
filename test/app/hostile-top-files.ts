/**
 * Hostile tarballs, third part: what is wrong with one of the files at the top that gwe reads. The table is data: each
 * row is refused by exactly the check it names.
 */
import { app, type CraftedEntry, INSTALL } from './craft.ts';
import { entries, type Hostile } from './hostile-bytes.ts';

const script = (name: string, entry: Partial<CraftedEntry>): CraftedEntry[] => [
  ...(name === 'install.sh' ? [] : [INSTALL]),
  { ...INSTALL, name, ...entry },
];
const conf = (contents: string | Buffer) => app({ name: 'supervisor.conf', contents });

export const HOSTILE_TOP_FILES: Hostile[] = [
  entries('no install.sh', [{ name: 'readme' }], 'install.sh', /"install.sh" is missing/),
  entries('no entry at all', [], 'install.sh', /"install.sh" is missing/),
  entries(
    'only a setup.py',
    [{ name: 'setup.py', mode: 0o755, contents: '#!/usr/bin/python3\n' }],
    'install.sh',
    /setup\.py/,
  ),
  entries(
    'install.sh one folder down',
    [{ ...INSTALL, name: 'demo/install.sh' }],
    'install.sh',
    /missing at the top: there is one at "demo\/install.sh"/,
  ),
  entries(
    'install.sh without its x bit',
    script('install.sh', { mode: 0o644 }),
    'install.sh',
    /lacks its x bit/,
  ),
  entries(
    'install.sh without "#!"',
    script('install.sh', { contents: 'echo hi\n' }),
    'install.sh',
    /does not begin with "#!"/,
  ),
  entries(
    'an empty install.sh',
    script('install.sh', { contents: '' }),
    'install.sh',
    /does not begin with "#!"/,
  ),
  entries(
    'install.sh without an interpreter',
    script('install.sh', { contents: '#! \n' }),
    'install.sh',
    /no interpreter/,
  ),
  entries(
    'install.sh with Windows line endings',
    script('install.sh', { contents: '#!/bin/sh\r\necho\r\n' }),
    'install.sh',
    /carriage return/,
  ),
  entries(
    'install.sh as a link',
    [
      { name: 'x', contents: '#!/bin/sh\n', mode: 0o755 },
      { name: 'install.sh', type: '2', link: 'x' },
    ],
    'install.sh',
    /symbolic link/,
  ),
  entries(
    'install.sh as a hard link',
    [
      { name: 'x', contents: '#!/bin/sh\n', mode: 0o755 },
      { name: 'install.sh', type: '1', link: 'x' },
    ],
    'install.sh',
    /hard link/,
  ),
  entries('install.sh as a folder', [{ name: 'install.sh', type: '5' }], 'install.sh', /folder/),
  entries(
    'health.sh without its x bit',
    script('health.sh', { mode: 0o644 }),
    'health.sh',
    /lacks its x bit/,
  ),
  entries(
    'uninstall.sh without "#!"',
    script('uninstall.sh', { contents: 'rm -rf x' }),
    'uninstall.sh',
    /does not begin/,
  ),
  entries(
    'supervisor.conf that is not UTF-8',
    conf(Buffer.from('[supervisord]\ncommand = \xff\n', 'latin1')),
    'supervisor.conf',
    /not UTF-8/,
  ),
  entries(
    'supervisor.conf with two sections',
    conf('[supervisord]\ncommand = a\n[program:evil]\ncommand = b\n'),
    'supervisor.conf',
    /\[supervisord\], \[program:evil\]/,
  ),
  entries(
    'supervisor.conf with its section twice',
    conf('[supervisord]\na = 1\n[supervisord]\nb = 2\n'),
    'supervisor.conf',
    /\[supervisord\], \[supervisord\]/,
  ),
  entries(
    'supervisor.conf with another section',
    conf('[program:demo]\ncommand = a\n'),
    'supervisor.conf',
    /\[program:demo\]/,
  ),
  entries('supervisor.conf without a section', conf('# nothing\n'), 'supervisor.conf', /no section/),
  entries(
    'supervisor.conf that is no INI',
    conf('[supervisord]\nwhat is this\n'),
    'supervisor.conf',
    /no INI file: .*line 2/,
  ),
  entries(
    'supervisor.conf as a link',
    app({ name: 'supervisor.conf', type: '2', link: '/etc/passwd' }),
    'supervisor.conf',
    /symbolic link/,
  ),
  entries(
    'supervisor.conf of 100 KB',
    conf(`[supervisord]\na = ${'x'.repeat(100_000)}\n`),
    'supervisor.conf',
    /longer than/,
  ),
];
