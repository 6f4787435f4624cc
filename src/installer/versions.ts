/** Which of two versions is the newer one. Pure. */

/**
 * Compares two versions as people write them: negative when `a` is older, positive when it is newer, 0 when equal. Both
 * are cut into numbers and words, at `.`, `_`, `+`, `-` and between letters and digits, and compared part by part:
 * - numbers by value (`1.10` is newer than `1.9`), words by alphabet;
 * - a number is newer than a word (`1.0.1` than `1.0.rc`);
 * - where one ends, more numbers make the other newer (`1.0.1` than `1.0`), and a word makes it older (`1.0-rc1` than
 *   `1.0`, as in Semantic Versioning), except after `+`, which makes it newer (`1.0+git` than `1.0`).
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareParts(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

interface Part {
  text: string;
  isNumber: boolean;
  afterPlus: boolean;
}

function partsOf(version: string): Part[] {
  return [...version.matchAll(/([._+-]*)(\d+|[A-Za-z]+)/g)].map(([, separator = '', text = '']) => ({
    text: /^\d/.test(text) ? text.replace(/^0+(?=\d)/, '') : text.toLowerCase(),
    isNumber: /^\d/.test(text),
    afterPlus: separator.includes('+'),
  }));
}

function compareParts(a: Part | undefined, b: Part | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -compareParts(b, undefined);
  if (b === undefined) return a.isNumber || a.afterPlus ? 1 : -1;
  if (a.isNumber !== b.isNumber) return a.isNumber ? 1 : -1;
  if (a.isNumber && a.text.length !== b.text.length) return a.text.length - b.text.length;
  return a.text < b.text ? -1 : Number(a.text > b.text);
}

/**
 * Whether `version` may be installed over `installed`. A gateway that forbids downgrades cannot be talked into one by a
 * command: only where the setting allows them does the command decide.
 */
export function mayInstall(
  version: string,
  installed: string | undefined,
  allow: { setting: boolean; command: boolean | undefined },
): boolean {
  if (installed === undefined || (allow.setting && allow.command !== false)) return true;
  return compareVersions(version, installed) >= 0;
}
