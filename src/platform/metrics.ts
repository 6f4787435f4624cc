/** What the platform counts of its own work, in memory, and how it is told to Prometheus (text exposition format 0.0.4). */
import { VERSION } from '../host/version.ts';
import type { ContentCounts } from './content-store.ts';

/** Who speaks on a path. */
export type Side = 'device' | 'operator';

/** Upper bounds of the latency histogram. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

export interface Metrics {
  /** Counts an answer. */
  answered(side: Side, status: number): void;
  /** How long a check-in (a write of a device) took until its answer was ready. */
  took(duration_ms: number): void;
  snapshot(): Snapshot;
}

export interface Snapshot {
  answers: Array<{ side: Side; status: number; count: number }>;
  buckets: Array<{ upTo_s: number; count: number }>;
  sum_s: number;
  count: number;
}

export function createMetrics(): Metrics {
  const answers = new Map<number, number>();
  const buckets = new Array<number>(BUCKETS_S.length).fill(0);
  let sum_ms = 0;
  let count = 0;
  const keyOf = (side: Side, status: number) => (side === 'device' ? status : status + 1000);
  return {
    answered(side, status) {
      const key = keyOf(side, status);
      answers.set(key, (answers.get(key) ?? 0) + 1);
    },
    took(duration_ms) {
      sum_ms += duration_ms;
      count += 1;
      const at = BUCKETS_S.findIndex((upTo_s) => duration_ms <= upTo_s * 1000);
      if (at >= 0) buckets[at] = (buckets[at] ?? 0) + 1;
    },
    snapshot: () => ({
      answers: [...answers].map(([key, n]) => ({
        side: key >= 1000 ? 'operator' : 'device',
        status: key % 1000,
        count: n,
      })),
      buckets: BUCKETS_S.map((upTo_s, index) => ({ upTo_s, count: buckets[index] ?? 0 })),
      sum_s: sum_ms / 1000,
      count,
    }),
  };
}

/** What is measured when it is asked for. */
export interface Gauges {
  checkIns: number;
  parked: number;
  gate: { waiting: number; shed: number };
  listeners: number;
  conditions: Readonly<Record<string, number>>;
  database_bytes: number;
  content_bytes: number;
  content: ContentCounts & { isUp: boolean };
  resident_bytes: number;
  started_s: number;
}

/** The whole as text. Pure. */
export function metricsText(snapshot: Snapshot, gauges: Gauges): string {
  let below = 0;
  const buckets = snapshot.buckets.map(({ upTo_s, count }) => {
    below += count;
    return [`_bucket{le="${upTo_s}"}`, below] as const;
  });
  const answers = snapshot.answers.map(
    ({ side, status, count }) => [`{side="${side}",status="${status}"}`, count] as const,
  );
  const errors = snapshot.answers.filter(({ status }) => status >= 500);
  const families = [
    family('gwe_info', 'gauge', 'Version of gwe.', [[`{version="${VERSION}"}`, 1]]),
    family('gwe_start_time_seconds', 'gauge', 'When the platform started.', [['', gauges.started_s]]),
    family('gwe_check_ins_total', 'counter', 'Engine reports taken in.', [['', gauges.checkIns]]),
    family('gwe_answers_total', 'counter', 'Answers by caller and status.', answers),
    family('gwe_errors_total', 'counter', 'Answers with a status of 500 or above.', [
      ['', errors.reduce((sum, { count }) => sum + count, 0)],
    ]),
    family('gwe_write_seconds', 'histogram', "Time until a device's write was durable and answered.", [
      ...buckets,
      ['_bucket{le="+Inf"}', snapshot.count],
      ['_sum', snapshot.sum_s],
      ['_count', snapshot.count],
    ]),
    family('gwe_parked_polls', 'gauge', 'Long polls that are held.', [['', gauges.parked]]),
    family('gwe_waiting_calls', 'gauge', 'Calls of gateways that wait for their turn.', [
      ['', gauges.gate.waiting],
    ]),
    family(
      'gwe_shed_total',
      'counter',
      'Calls of gateways that were told to come later, for too many came.',
      [['', gauges.gate.shed]],
    ),
    family('gwe_event_listeners', 'gauge', 'Open streams of events.', [['', gauges.listeners]]),
    family(
      'gwe_gateways',
      'gauge',
      'Gateways by state.',
      Object.entries(gauges.conditions).map(([state, count]) => [`{state="${state}"}`, count] as const),
    ),
    family('gwe_content_bytes', 'gauge', 'Bytes of the Content Area.', [['', gauges.content_bytes]]),
    ...contentFamilies(gauges.content),
    family('gwe_database_bytes', 'gauge', 'Size of the database.', [['', gauges.database_bytes]]),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', gauges.resident_bytes]]),
  ];
  return families.join('');
}

function contentFamilies({
  isUp,
  failures,
  cacheHits,
  cacheMisses,
  cache_bytes,
}: Gauges['content']): string[] {
  return [
    family('gwe_content_up', 'gauge', 'Whether content can be read and stored.', [['', isUp ? 1 : 0]]),
    family(
      'gwe_content_failures_total',
      'counter',
      'Requests to the place of content that failed for good.',
      [['', failures]],
    ),
    family('gwe_content_cache_reads_total', 'counter', 'Reads of content by whether the cache had it.', [
      ['{result="hit"}', cacheHits],
      ['{result="miss"}', cacheMisses],
    ]),
    family('gwe_content_cache_bytes', 'gauge', "Content in this machine's cache.", [['', cache_bytes]]),
  ];
}

function family(
  name: string,
  type: string,
  help: string,
  samples: ReadonlyArray<readonly [suffix: string, value: number]>,
): string {
  const lines = samples.map(([suffix, value]) => `${name}${suffix} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
