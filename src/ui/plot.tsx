/** A plot over time, drawn by uPlot, with its numbers as a table for who cannot see it. */
import { useEffect, useId, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { absolute } from './format.ts';
import { Scroll } from './scroll.tsx';

export interface Series {
  label: string;
  /** Name of a colour of the style sheet: --plot-NAME. */
  colour: string;
  values: readonly (number | null)[];
  bars?: boolean;
}

interface PlotProps {
  title: string;
  times_ms: readonly number[];
  series: readonly Series[];
  text: (value: number) => string;
  /** The top of the scale where it is known. */
  max?: number;
  height?: number;
}

const ROWS_MAX = 24;

export function Plot({ title, times_ms, series, text, max, height = 150 }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    const element = place.current;
    if (element === null || times_ms.length === 0) return;
    let plot = draw(element);
    const again = () => {
      plot.destroy();
      plot = draw(element);
    };
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', again);
    addEventListener('theme', again);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', again);
      removeEventListener('theme', again);
      plot.destroy();
    };
  }, [times_ms, series]);

  function draw(element: HTMLElement): uPlot {
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour('ink-quiet'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [8, 8, 0, 0],
      scales: {
        x: { range: (_plot, low, high) => (low < high ? [low, high] : around(low)) },
        y: { range: (_plot, _low, high) => [0, max ?? Math.max(1, high * 1.1)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 80,
          size: 26,
          values: (_plot, times) => times.map(dayOrHour),
        },
        { ...axis, size: 54, space: 34, values: (_plot, values) => values.map(text) },
      ],
      series: [
        {},
        ...series.map(({ label, colour: name, bars }) => ({
          label,
          stroke: colour(`plot-${name}`),
          fill: `${colour(`plot-${name}`)}${bars === true ? 'cc' : '22'}`,
          width: bars === true ? 0 : 1.5,
          points: { show: times_ms.length === 1, size: 5 },
          ...(bars === true && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.7, 24] }) } : {}),
        })),
      ],
    };
    const data: uPlot.AlignedData = [
      times_ms.map((time) => time / 1000),
      ...series.map(({ values }) => [...values]),
    ];
    return new uPlot(options, data, element);
  }

  return (
    <figure class="plot" aria-labelledby={id}>
      <figcaption id={id}>
        <span>{title}</span>
        {series.map(({ label, colour, values }) => (
          <span key={label} class="legend">
            <span class={`swatch ${colour}`} aria-hidden="true" /> {label}{' '}
            <strong>{lastText(values, text)}</strong>
          </span>
        ))}
      </figcaption>
      {/* As high as what is drawn in it: a page that got shorter while it is drawn anew would scroll. */}
      <div ref={place} class="plot-area" aria-hidden="true" style={{ minHeight: `${height}px` }} />
      <details>
        <summary>As a table</summary>
        <NumbersTable title={title} times_ms={times_ms} series={series} text={text} />
      </details>
    </figure>
  );
}

function lastText(values: Series['values'], text: PlotProps['text']): string {
  const last = values.findLast((value) => value !== null);
  return last === undefined || last === null ? '' : text(last);
}

function NumbersTable({ title, times_ms, series, text }: Omit<PlotProps, 'max' | 'height'>) {
  const from = Math.max(0, times_ms.length - ROWS_MAX);
  const shown = times_ms.slice(from).map((time, index) => [time, from + index] as const);
  return (
    <Scroll label={`${title}, numbers`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th scope="col" key={label} class="num">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.reverse().map(([time, index]) => (
            <tr key={time}>
              <th scope="row">{absolute(time)}</th>
              {series.map(({ label, values }) => (
                <td key={label} class="num">
                  {typeof values[index] === 'number' ? text(values[index]) : ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The hour around a single point: there is no range yet. */
function around(time_s: number): [number, number] {
  return [time_s - 1800, time_s + 1800];
}

/** A time of the axis: the day at midnight, else hours and minutes. */
function dayOrHour(time_s: number): string {
  const [day = '', clock = ''] = absolute(time_s * 1000).split(' ');
  return clock.startsWith('00:00:00') ? day.slice(5) : clock.slice(0, 5);
}
