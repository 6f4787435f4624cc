import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distance, nearest } from '../../src/cli/nearest.ts';
import { ENGINE_OPTIONS, type OptionRow } from '../../src/cli/options.ts';
import { parseArgs, spellOut } from '../../src/cli/parse.ts';
import { GweError } from '../../src/errors.ts';

const parse = (...words: string[]) => parseArgs('gwe', words, ENGINE_OPTIONS, []);
const refusal = (words: string[], options: readonly OptionRow[] = ENGINE_OPTIONS): string => {
  try {
    parseArgs('gwe', words, options, []);
  } catch (error) {
    assert.ok(error instanceof GweError && error.code === 'usage');
    return `${error.message}. ${error.hint ?? ''}`;
  }
  return assert.fail(`${words.join(' ')} was accepted`);
};

test('a value may stand after a blank, after =, or right behind its letter', () => {
  for (const words of [
    ['-t', '60'],
    ['-t60'],
    ['-t=60'],
    ['--set-update-interval', '60'],
    ['--set-update-interval=60'],
  ]) {
    assert.equal(parse(...words).text('set-update-interval'), '60', words.join(' '));
  }
});

test('a value stays the text that was typed', () => {
  assert.equal(parse('-u', '0012').text('set-uuid'), '0012');
  assert.equal(parse('-u0x1F').text('set-uuid'), '0x1F');
  assert.equal(parse('-uABC').text('set-uuid'), 'ABC');
  assert.equal(parse('--set-user-agent=a=b --c').text('set-user-agent'), 'a=b --c');
  assert.equal(parse('-u', 'true').text('set-uuid'), 'true');
  assert.equal(parse('--set-uuid', '').text('set-uuid'), '');
});

test('letters of switches may stand together, the last may take a value', () => {
  const args = parse('-Cgt60');
  assert.ok(args.has('gateway-cik') && args.has('gateway-cfg'));
  assert.equal(args.text('set-update-interval'), '60');
});

test('of a flag that comes twice the last one counts, but every tarball does', () => {
  assert.equal(parse('-t', '60', '-t', '70').text('set-update-interval'), '70');
  const args = parse('-I', 'a', 'b', '-d', 'DEBUG', '--install-apps', 'c');
  assert.deepEqual(args.all('install-apps'), ['a', 'b', 'c']);
});

test('the other name of a flag is the same flag', () => {
  assert.equal(parse('--product-id', 'P').text('set-product-id'), 'P');
});

test('after two dashes all words are operands', () => {
  const args = parseArgs('gwe x', ['--', '-t', '60', '--'], ENGINE_OPTIONS, [
    { name: 'WORD', repeats: true },
  ]);
  assert.deepEqual(args.operands, ['-t', '60', '--']);
});

test('a single dash (standard input) and negative numbers are operands', () => {
  assert.deepEqual(parseArgs('gdc write', ['a', '-1.5'], [], [{ name: 'A' }, { name: 'B' }]).operands, [
    'a',
    '-1.5',
  ]);
  assert.deepEqual(parseArgs('gdc write', ['a', '-'], [], [{ name: 'A' }, { name: 'B' }]).operands, [
    'a',
    '-',
  ]);
});

test('a flag whose name begins with no- is a flag, not the opposite of another', () => {
  const options: OptionRow[] = [{ long: 'no-password', group: '', sentence: '' }];
  const args = parseArgs('gwe sign', ['--no-password'], options, []);
  assert.ok(args.has('no-password') && !args.has('password'));
});

test('names that every JavaScript object has are no flags', () => {
  for (const word of ['--constructor', '--__proto__=1', '--toString', '--_']) refusal([word]);
});

test('an unknown flag is named with the nearest one that is there', () => {
  assert.match(
    refusal(['--set-uiud', 'x']),
    /^Cannot understand --set-uiud: expected a flag of gwe\. .*--set-uuid/,
  );
  assert.match(refusal(['--set-update-intervall=60']), /--set-update-interval;/);
  assert.match(refusal(['--product', 'x']), /--product-id/);
  assert.match(refusal(['-T', '60']), /Cannot understand -T: .*nearest is -t;/);
  assert.match(refusal(['-once']), /nearest is --once/);
  assert.match(refusal(['-Cq']), /Cannot understand -q/);
});

test('a beginning of a flag is not the flag', () => {
  assert.match(refusal(['--set-uui', 'x']), /nearest is --set-uuid/);
});

test('a value that cannot be is named with its flag and what was expected', () => {
  assert.match(
    refusal(['-t', '0']),
    /^Cannot use "0" for --set-update-interval \(-t\): expected a whole number from 1 to 31536000/,
  );
  for (const value of ['-5', '1.5', '1e3', '0x10', '', '31536001', '99999999999999999999']) {
    assert.match(refusal(['-t', value]), /--set-update-interval/, value);
  }
  assert.match(refusal(['-d', 'LOUD']), /expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL/);
  assert.match(refusal(['--set-server', 'ftp://x']), /expected an http or https URL/);
  assert.match(refusal(['-c', 'A'.repeat(40)]), /expected 40 lower-case hexadecimal digits/);
  assert.match(refusal(['-i', '../x']), /network interface/);
  assert.match(refusal(['-u', 'a\nb']), /^Cannot use "a\?b"/);
  assert.match(refusal(['-P', 'a'.repeat(201)]), /200 characters/);
  assert.match(refusal(['-a', 'x\r\nEvil: 1']), /--set-user-agent/);
});

test('a value that is missing is asked for', () => {
  assert.match(refusal(['-t']), /needs a value, SECONDS: a whole number/);
  assert.match(refusal(['-u', '--once']), /needs a value, UUID.*--set-uuid=VALUE/s);
  assert.match(refusal(['-I']), /needs a value, TARBALL/);
});

test('a switch takes no value', () => {
  assert.match(refusal(['--once=yes']), /--once \(-o\): it takes no value/);
  assert.match(refusal(['-C=1']), /takes no value/);
});

test('a word too many, one too few, and one that does not fit are refused with the usage', () => {
  const rows = [{ name: 'SERIAL' }, { name: 'TARBALL', repeats: true }] as const;
  assert.throws(() => parseArgs('gwe deploy', ['SN'], [], rows), /TARBALL is missing/);
  assert.equal(parseArgs('gwe deploy', ['SN', 'a', 'b'], [], rows).operands.length, 3);
  assert.throws(() => parseArgs('gwe read', ['a', 'b'], [], [{ name: 'A' }]), /did not expect "b"/);
});

test('whoever asks for help need not have the rest right', () => {
  assert.ok(parseArgs('gwe deploy', ['--help'], [...ENGINE_OPTIONS], [{ name: 'SERIAL' }]).has('help'));
  assert.ok(parse('-h', '-t', '0').has('help'));
});

test('every flag of the table, spelled in each of its ways, is that flag', () => {
  for (const row of ENGINE_OPTIONS) {
    const names = [
      `--${row.long}`,
      ...(row.short ? [`-${row.short}`] : []),
      ...(row.alias ? [`--${row.alias}`] : []),
    ];
    for (const name of names) {
      const words = row.value === undefined ? [name] : [name, 'v'];
      assert.deepEqual(spellOut('gwe', words, ENGINE_OPTIONS), [
        `--${row.long}=${row.value === undefined ? 'on' : 'v'}`,
        '--',
      ]);
    }
  }
});

test('no two flags share a name or a letter', () => {
  const names = ENGINE_OPTIONS.flatMap(({ long, short, alias }) => [long, short ?? [], alias ?? []].flat());
  assert.equal(new Set(names).size, names.length);
});

test('slips are counted as a typist makes them', () => {
  assert.equal(distance('uuid', 'uiud'), 1);
  assert.equal(distance('uuid', 'uui'), 1);
  assert.equal(distance('uuid', 'xuuid'), 1);
  assert.equal(distance('', 'abc'), 3);
  assert.equal(nearest('-T', ['-v', '-t']), '-t');
  assert.equal(nearest('x', []), undefined);
});
