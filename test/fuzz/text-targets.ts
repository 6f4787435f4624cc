/** Targets that read text: settings, answers of supervisord and of the platform, instructions, the output of scripts. */
import assert from 'node:assert/strict';
import { parseTarballName } from '../../src/app/name.ts';
import {
  decodeContentInfo,
  decodeContentList,
  decodeCsvRow,
  decodeForm,
  decodeValues,
  encodeBody,
  encodeCsvRow,
  encodeForm,
  parseContentRange,
  parseHttpDate,
  parseRetryAfter,
} from '../../src/client/wire.ts';
import { changeSetting, readSettings } from '../../src/config/engine-config.ts';
import { changeGatewayCfg, EMPTY_GATEWAY_CFG, readGatewayCfg } from '../../src/config/gateway-cfg.ts';
import { parseInstruction, parseInterval } from '../../src/engine/instruction.ts';
import { type ErrorCode, GweError } from '../../src/errors.ts';
import { type Ini, iniSections, parseIni, setIniValue } from '../../src/host/ini.ts';
import { cleanOutput, fetchStatusText, OUTPUT_MAX_CHARACTERS } from '../../src/reports/fetch-status.ts';
import { programText } from '../../src/supervisor/program.ts';
import { decodeAnswer } from '../../src/supervisor/xmlrpc.ts';
import type { Target } from './targets.ts';

/** What `act` gives, or `undefined` when it raised one of `codes`; whatever else it raises is a finding. */
export function orRefused<T>(act: () => T, ...codes: ErrorCode[]): T | undefined {
  try {
    return act();
  } catch (error) {
    assert.ok(error instanceof GweError && codes.includes(error.code), `raised ${String(error)}`);
    return undefined;
  }
}

const texts = (...inputs: string[]) => ['', ...inputs].map((text) => Buffer.from(text));
const INI =
  '# c\n[engine]\nupdate_interval = 60\n  more\n; d\n[device]\n  cik = x\n  uuid: "y"\n\n[engine]\nother=\n';
const INI_TOKENS = [
  '\n',
  '\r',
  '\r\n',
  '[',
  ']',
  '=',
  ':',
  '#',
  ';',
  '  ',
  '\t',
  '[engine]\n',
  '\ufeff',
  "''",
  '%',
  '%%',
  '%(a)s',
];

function entriesOf(ini: Ini): string[] {
  return [...ini].flatMap(([section, keys]) => [...keys].map((key) => JSON.stringify([section, ...key])));
}

function checkIni(input: Buffer): void {
  const text = input.toString('utf8');
  iniSections(text);
  const before = orRefused(() => parseIni(text), 'malformed');
  if (before === undefined) return;
  const after = parseIni(setIniValue(text, 'engine', 'update_interval', '61'));
  assert.equal(after.get('engine')?.get('update_interval'), '61');
  const engine = before.get('engine') ?? new Map<string, string>();
  before.set('engine', new Map([...engine, ['update_interval', '61']]));
  assert.deepEqual(entriesOf(after).sort(), entriesOf(before).sort());
}

function checkSettings(input: Buffer): void {
  const text = input.toString('utf8');
  const { settings } = readSettings(text);
  assert.ok(settings['engine.update_interval'] >= 1);
  assert.ok(['string', 'boolean', 'number'].includes(typeof settings['install.rollback']));
  const changed = orRefused(() => changeSetting(text, 'engine.update_interval', '77'), 'config');
  if (changed !== undefined) assert.equal(readSettings(changed).settings['engine.update_interval'], 77);
  orRefused(() => readGatewayCfg(text), 'config');
  const cfg = orRefused(() => changeGatewayCfg(text, { uuid: 'a b', cik: '' }), 'config');
  if (cfg === undefined) return;
  const { uuid, cik } = readGatewayCfg(cfg);
  assert.deepEqual({ uuid, cik }, { uuid: 'a b', cik: undefined });
}

function checkProgramText(input: Buffer): void {
  const section = orRefused(() => parseIni(input.toString('utf8')), 'malformed')?.get('supervisord');
  const text = section && orRefused(() => programText('app', section, '/tmp'), 'check');
  if (text === undefined) return;
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line !== '' && !/^\s/.test(line));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('[')),
    ['[program:app]'],
  );
  for (const line of lines.slice(2)) assert.match(line, /^[\w.-]+=/);
}

function checkOutput(input: Buffer): void {
  const text = cleanOutput(input);
  assert.ok(text.isWellFormed());
  assert.ok(text.length <= OUTPUT_MAX_CHARACTERS + 100);
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  if (text.length < OUTPUT_MAX_CHARACTERS) assert.equal(cleanOutput(Buffer.from(text)), text);
  const name = input.toString('latin1');
  const end = { name, app: 'a', version: '1', outcome: 'failed', why: name, time_ms: 0 } as const;
  assert.doesNotMatch(fetchStatusText(end), /[\n\r\x1b]/);
}

function checkWire(input: Buffer): void {
  const text = input.toString('utf8');
  const pairs = decodeForm(text);
  const whole = pairs.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]);
  assert.deepEqual(decodeForm(encodeForm(pairs)), whole);
  assert.deepEqual(decodeForm(encodeBody(pairs)), whole);
  decodeValues(text);
  decodeContentList(text);
  decodeContentInfo(text);
  const fields = decodeCsvRow(text);
  assert.deepEqual(decodeCsvRow(encodeCsvRow(fields)), fields);
  const range = parseContentRange(text);
  if (range !== undefined) assert.ok(range.from_byte >= 0 && range.from_byte <= range.to_byte);
  for (const number of [parseHttpDate(text), parseRetryAfter(text, 0)])
    assert.ok(number === undefined || Number.isFinite(number));
}

function checkInstruction(input: Buffer): void {
  const text = input.toString('utf8');
  const parsed = orRefused(() => parseInstruction(text), 'malformed');
  for (const { name } of parsed?.items ?? []) checkName(Buffer.from(name.file));
  const interval_s = orRefused(() => parseInterval(text, { min: 1, max: 31_536_000 }), 'malformed');
  assert.ok(interval_s === undefined || (Number.isInteger(interval_s) && interval_s >= 1));
}

function checkName(input: Buffer): void {
  const name = orRefused(() => parseTarballName(input.toString('utf8')), 'check');
  if (name === undefined) return;
  assert.equal(`${name.app}.v${name.version}.tar.gz`, name.file);
  assert.match(name.file, /^[A-Za-z0-9][\w.+-]*$/);
  assert.ok(!name.file.includes('..') && name.file.length <= 255);
}

const ANSWER = (value: string) =>
  `<?xml version='1.0'?><methodResponse><params><param>${value}</param></params></methodResponse>`;

/** They are cheap. */
const RUNS = 3000;

export const textTargets: readonly Target[] = [
  {
    name: 'ini',
    corpus: texts(INI, '[engine]\n  update_interval=1\n  other=2\n[device]\n'),
    tokens: INI_TOKENS,
    runs: RUNS,
    check: checkIni,
  },
  {
    name: 'settings',
    corpus: texts(INI, EMPTY_GATEWAY_CFG),
    tokens: INI_TOKENS,
    runs: RUNS,
    check: checkSettings,
  },
  {
    name: 'program-text',
    corpus: texts('[supervisord]\ncommand = sh -c "echo 100%%"\nenvironment=A="1",\n  B=2\nstartsecs=3\n'),
    tokens: [...INI_TOKENS, '[program:evil]', '\0', 'numprocs=2\n', '"', ','],
    runs: RUNS,
    check: checkProgramText,
  },
  {
    name: 'xmlrpc',
    corpus: texts(
      ANSWER(
        '<value><array><data><value><int>1</int></value><value>a&amp;b and what a program says of itself at some length, so that there is text to break</value><value><nil/></value></data></array></value>',
      ),
      ANSWER(
        '<value><struct><member><name>a</name><value><boolean>1</boolean></value></member></struct></value>',
      ),
      '<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>1</int></value></member><member><name>faultString</name><value><string>x</string></value></member></struct></value></fault></methodResponse>',
    ),
    tokens: [
      '<value>',
      '</value>',
      '<array><data>',
      '</data></array>',
      '<string/>',
      '&#0;',
      '&#x110000;',
      '&',
      '<',
      '-',
      '<!--',
      ']]>',
    ],
    runs: RUNS,
    check: (input) => void orRefused(() => decodeAnswer(input.toString('utf8')), 'protocol'),
  },
  {
    name: 'script-output',
    corpus: texts('\x1b[1;31mred\x1b[0m\n10 %\r20 %\r\n\x1b]0;t\x07x\ty\n', '\x9b1m\x1bP1\x1b\\äöü😀'),
    tokens: ['\x1b', '\x1b[', '\x1b]', '\r', '\n', '\x9d', '\x9c', '\x07', '\u202e', '\x1b\\', '\ufeff'],
    runs: RUNS,
    check: checkOutput,
  },
  {
    name: 'wire',
    corpus: texts(
      'engine_fetch=%7B%22a%22%3A1%7D&update_interval=60&x',
      'a={"p": "63"}&b=%E4+c',
      'bytes 0-9/10',
      'application/gzip,10,170,"a ""b"""',
      'Sun, 06 Nov 1994 08:49:37 GMT',
    ),
    tokens: ['%', '&', '=', '+', '%00', '%ff', '"', ',', '\r\n', '__proto__=', '/*'],
    runs: RUNS,
    check: checkWire,
  },
  {
    name: 'instruction',
    corpus: texts(
      '{"install": [{"name": "app.v1.tar.gz", "downgrade": false}, {"name": "b.v2.1.tar.gz"}]}',
      '3600',
    ),
    tokens: [
      '{',
      '}',
      '[',
      ']',
      '"',
      'null',
      '__proto__',
      '../',
      '.v',
      '\\u0000',
      '1e999',
      ',{"name":"c.v1.tar.gz"}',
    ],
    runs: RUNS,
    check: checkInstruction,
  },
  {
    name: 'tarball-name',
    corpus: texts('app_update.v2.tar.gz', 'a.v.b.v1.2+x-y.tar.gz'),
    tokens: ['..', '/', '.v', '.tar.gz', '\0', '\n', ' ', 'ä', '-'],
    runs: RUNS,
    check: checkName,
  },
];
