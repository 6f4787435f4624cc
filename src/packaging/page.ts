/** The fleet page (src/ui) as files that a browser loads: one script, one style sheet, an icon, and the HTML that names them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { ROOT } from './targets.ts';

export interface BuiltPage {
  html: string;
  /** Their names hold a hash of their contents: a browser may keep them for ever. */
  files: { name: string; type: string; text: string }[];
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** Bundles src/ui. Raises esbuild's error, which names file and line. */
export async function bundlePage(): Promise<{ page: BuiltPage; metafile: Metafile }> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: { app: 'src/ui/main.tsx', style: 'src/ui/style.css' },
    entryNames: '[name]-[hash]',
    outdir: 'page',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    minify: true,
    metafile: true,
    preserveSymlinks: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const files = result.outputFiles.map(({ path, text }) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return { name, type: TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain', text };
  });
  files.push(iconFile());
  return { page: { html: htmlOf(files.map(({ name }) => name)), files }, metafile: result.metafile };
}

function iconFile(): BuiltPage['files'][number] {
  const text = readFileSync(join(ROOT, 'src/ui/icon.svg'), 'utf8');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return { name: `icon-${hash}.svg`, type: 'image/svg+xml', text };
}

function htmlOf(names: readonly string[]): string {
  const named = (start: string): string => {
    const name = names.find((each) => each.startsWith(start));
    if (name === undefined) throw new Error(`Cannot bundle the fleet page: there is no ${start}…`);
    return `/page/${name}`;
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>gwe fleet</title>
<link rel="icon" type="image/svg+xml" href="${named('icon-')}">
<link rel="stylesheet" href="${named('style-')}">
<script type="module" src="${named('app-')}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript. Without it: <code>gwe login</code>, then <code>gwe gateways</code> in a terminal.</noscript>
</body>
</html>
`;
}

/**
 * The module that takes the place of platform/page-files.ts in the single file: the same function, with the built page
 * as text. It is evaluated only when the platform is asked for its page.
 */
export function embeddedPage(page: BuiltPage): string {
  return `export async function loadPage() { return ${JSON.stringify(page)}; }`;
}
