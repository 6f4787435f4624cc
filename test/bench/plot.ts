/** Draws a plot as SVG, readable on light and dark pages. Text in, text out. */
import { shown } from './figures.ts';
import type { Plot } from './part.ts';

const WIDTH = 720;
const COLORS = ['#2563eb', '#d97706', '#059669', '#db2777', '#7c3aed', '#64748b'];
const STYLE =
  '<style>text{font:13px system-ui,sans-serif;fill:#475569}.title{font-weight:600}.grid{stroke:#94a3b8;stroke-opacity:.35}' +
  '@media(prefers-color-scheme:dark){text{fill:#cbd5e1}}</style>';

export function draw(plot: Plot): string {
  return plot.kind === 'bars' ? drawBars(plot) : drawLines(plot);
}

function svg(height: number, title: string, body: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">` +
    `<title>${escaped(title)}</title>${STYLE}\n<text class="title" x="8" y="20">${escaped(title)}</text>\n${body}\n</svg>\n`
  );
}

function drawBars({ title, bars }: Extract<Plot, { kind: 'bars' }>): string {
  const most = Math.max(...bars.map(([, value]) => value));
  const [left, step] = [250, 26];
  const rows = bars.map(([label, value], n) => {
    const [y, width] = [36 + n * step, Math.max(1, (value / most) * (WIDTH - left - 80))];
    const color = label.startsWith('gwe') ? COLORS[0] : '#94a3b8';
    return (
      `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>` +
      `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="18" rx="2" fill="${color}"/>` +
      `<text x="${(left + width + 6).toFixed(1)}" y="${y + 14}">${shown(value)}</text>`
    );
  });
  return svg(44 + bars.length * step, title, rows.join('\n'));
}

/** Both axes logarithmic: a law of growth is then a straight line, and its steepness the exponent. */
function drawLines({ title, across, lines }: Extract<Plot, { kind: 'lines' }>): string {
  const [left, top, right, bottom] = [80, 40, WIDTH - 170, 320];
  const points = lines.flatMap((line) => line.points).filter(([x, y]) => x > 0 && y > 0);
  const x = scale(
    points.map(([at]) => at),
    left,
    right,
  );
  const y = scale(
    points.map(([, value]) => value),
    bottom,
    top,
  );
  const grid = y.ticks.map(
    (value) =>
      `<line class="grid" x1="${left}" x2="${right}" y1="${y.at(value)}" y2="${y.at(value)}"/>` +
      `<text x="${left - 8}" y="${y.at(value) + 4}" text-anchor="end">${shown(value)}</text>`,
  );
  const marks = [...new Set(points.map(([at]) => at))].map(
    (at) => `<text x="${x.at(at)}" y="${bottom + 20}" text-anchor="middle">${at.toLocaleString('en')}</text>`,
  );
  const drawn = lines.map(({ label, points: own }, n) => {
    const color = COLORS[n % COLORS.length];
    const path = own.map(([at, value]) => `${x.at(at).toFixed(1)},${y.at(value).toFixed(1)}`);
    const dots = path.map(
      (dot) => `<circle cx="${dot.split(',')[0]}" cy="${dot.split(',')[1]}" r="3" fill="${color}"/>`,
    );
    return (
      `<polyline points="${path.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join('')}` +
      `<rect x="${right + 14}" y="${top + n * 22}" width="12" height="12" fill="${color}"/>` +
      `<text x="${right + 32}" y="${top + n * 22 + 11}">${escaped(label)}</text>`
    );
  });
  const label = `<text x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle">${escaped(across)}</text>`;
  return svg(bottom + 54, title, [...grid, ...marks, ...drawn, label].join('\n'));
}

function scale(
  values: readonly number[],
  from: number,
  to: number,
): { at(value: number): number; ticks: number[] } {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const span = high - low || 1;
  const at = (value: number) =>
    Math.round((from + ((Math.log10(value) - low) / span) * (to - from)) * 10) / 10;
  const decades = Array.from(
    { length: Math.floor(high) - Math.ceil(low) + 1 },
    (_, n) => 10 ** (Math.ceil(low) + n),
  );
  return { at, ticks: [...new Set([10 ** low, ...decades, 10 ** high])] };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
