/**
 * The buildfile of an application: a JSON file that says what goes into its tarball. The keys are those of the original
 * (GWE documentation: "buildfile"). What is done with it is up to build.ts.
 */
import { GweError } from '../errors.ts';
import { CheckFailure } from './checks.ts';
import { tarballNameOf } from './name.ts';

export interface Buildfile {
  name: string;
  version: string;
  /** Paths and patterns relative to the buildfile's folder; a folder stands for all that is in it. */
  includes: string[];
  excludes: string[];
  /** Run by sh in the buildfile's folder, before the files are collected. */
  pre_build_cmds: string[];
  /** Run by sh in the buildfile's folder, after the tarball is there; GWE_TARBALL is its path. */
  post_build_cmds: string[];
}

const LISTS = ['includes', 'excludes', 'pre_build_cmds', 'post_build_cmds'] as const;
const KEYS: readonly string[] = ['name', 'version', ...LISTS];

/** The text of a new buildfile. It is a good one: next to an install.sh it builds a tarball at once. */
export function createBuildfile(name = 'my_app'): string {
  const template: Buildfile = {
    name,
    version: '1',
    includes: ['*'],
    excludes: ['*.log'],
    pre_build_cmds: [],
    post_build_cmds: [],
  };
  return `${JSON.stringify(template, undefined, 2)}\n`;
}

/** What is wrong with the text of a buildfile, one sentence each; none when it is good. */
export function checkBuildfile(text: string): string[] {
  const value = parse(text);
  if (typeof value === 'string') return [value];
  const unknown = Object.keys(value).filter((key) => !KEYS.includes(key));
  return [
    ...unknown.map((key) => `"${key}" is unknown: the keys are ${KEYS.join(', ')}`),
    ...nameProblems(value['name'], value['version']),
    ...LISTS.flatMap((key) => listProblems(key, value[key])),
    ...(value['includes'] === undefined
      ? ['"includes" is missing: it says which files go into the tarball']
      : []),
  ];
}

/** Reads the text of a buildfile; lists that are missing are empty. Raises `config`, listing all its problems. */
export function parseBuildfile(text: string, path: string): Buildfile {
  const problems = checkBuildfile(text);
  const value = parse(text);
  if (problems.length > 0 || typeof value === 'string') {
    throw new GweError('config', `Cannot build from ${path}: ${problems.join('; ')}`, {
      hint: 'Mend it, and try it with "gwe --check-buildfile FILE".',
    });
  }
  return {
    name: String(value['name']),
    version: String(value['version']),
    includes: strings(value['includes']),
    excludes: strings(value['excludes']),
    pre_build_cmds: strings(value['pre_build_cmds']),
    post_build_cmds: strings(value['post_build_cmds']),
  };
}

function parse(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    return 'it is not a JSON object';
  } catch (error) {
    return `it is not JSON: ${error instanceof Error ? error.message : error}`;
  }
}

function nameProblems(name: unknown, version: unknown): string[] {
  const problems = [
    ...(typeof name === 'string' ? [] : ['"name" must be a string']),
    ...(typeof version === 'string' ? [] : ['"version" must be a string, for instance "1.0"']),
  ];
  if (typeof name !== 'string' || typeof version !== 'string') return problems;
  try {
    tarballNameOf(name, version);
    return [];
  } catch (error) {
    if (error instanceof CheckFailure) return [`the tarball's name would be wrong: ${error.message}`];
    throw error;
  }
}

function listProblems(key: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string' && item !== '')) {
    return [`"${key}" must be a list of strings`];
  }
  if (key !== 'includes' && key !== 'excludes') return [];
  return strings(value)
    .filter(leadsOut)
    .map((path) => `"${key}" has "${path}", which leads out of the buildfile's folder`);
}

function leadsOut(path: string): boolean {
  return path.startsWith('/') || path.split('/').includes('..');
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
