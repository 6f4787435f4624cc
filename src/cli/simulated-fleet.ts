/** A fleet of simulated gateways in one process: who is due when, how many act at a time, and what came of it. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  type Behaviour,
  createSimulatedGateway,
  type Happening,
  type SimulatedGateway,
} from './simulated-gateway.ts';
import type { SimulatedHttp } from './simulated-http.ts';

export interface SimulatedFleet {
  gateways: readonly SimulatedGateway[];
  counts: Readonly<Record<Happening, number>>;
  /** Milliseconds that the newest check-ins took, at most LATENCIES_KEPT. */
  latencies: readonly number[];
  /** Gateways that act just now. */
  readonly underWay: number;
  /** When something is due next; `undefined`: never. */
  next_ms(): number | undefined;
  /** Begins what is due. */
  begin(): void;
  /** Begins what is due, and resolves when it is done. */
  runDue(): Promise<void>;
  /** Begins nothing more. */
  end(): void;
}

/** Gateways that act at a time; the others wait for their turn, as for a busy network. */
export const AT_A_TIME = 256;
const LATENCIES_KEPT = 5_000;

interface Due {
  time_ms: number;
  act(): Promise<void>;
}

export function createSimulatedFleet(
  serials: readonly string[],
  behaviour: Behaviour,
  http: SimulatedHttp,
  now: () => number,
): SimulatedFleet {
  const counts = emptyCounts();
  const latencies: number[] = [];
  const due = createQueue();
  let underWay = 0;
  let isOver = false;
  let idle = Promise.withResolvers<void>();
  const begin = () => {
    while (!isOver && underWay < AT_A_TIME && (due.first()?.time_ms ?? Number.POSITIVE_INFINITY) <= now()) {
      const next = due.take();
      if (next === undefined) return;
      underWay += 1;
      void next
        .act()
        .catch(() => {
          counts.error += 1;
        })
        .finally(() => {
          underWay -= 1;
          begin();
          if (underWay > 0) return;
          idle.resolve();
          idle = Promise.withResolvers<void>();
        });
    }
  };
  const gateways = serials.map((serial) =>
    createSimulatedGateway(serial, {
      behaviour,
      http,
      now,
      at: (time_ms, act) => due.add({ time_ms, act }),
      count(happening, latency_ms) {
        counts[happening] += 1;
        if (latency_ms === undefined) return;
        latencies.push(latency_ms);
        if (latencies.length > LATENCIES_KEPT) latencies.splice(0, LATENCIES_KEPT / 2);
      },
    }),
  );
  for (const gateway of gateways) gateway.start();
  return {
    gateways,
    counts,
    latencies,
    get underWay() {
      return underWay;
    },
    next_ms: () => due.first()?.time_ms,
    begin,
    async runDue() {
      begin();
      while (underWay > 0) {
        await idle.promise;
        await breathe();
        begin();
      }
    },
    end() {
      isOver = true;
    },
  };
}

function emptyCounts(): Record<Happening, number> {
  return {
    activated: 0,
    refused: 0,
    'check-in': 0,
    taken: 0,
    installed: 0,
    failed: 0,
    silent: 0,
    unhealthy: 0,
    error: 0,
    downloaded: 0,
  };
}

/** What is due, the earliest first: a binary heap; of two at the same time the one that was planned first. */
function createQueue() {
  const heap: Array<Due & { order: number }> = [];
  let orders = 0;
  const isBefore = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return one !== undefined;
    return one.time_ms < other.time_ms || (one.time_ms === other.time_ms && one.order < other.order);
  };
  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };
  return {
    first: (): Due | undefined => heap[0],
    add(each: Due) {
      orders += 1;
      heap.push({ ...each, order: orders });
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    take(): Due | undefined {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      heap[0] = last;
      for (let at = 0; ; ) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        let least = isBefore(left, at) ? left : at;
        if (isBefore(right, least)) least = right;
        if (least === at) return first;
        swap(at, least);
        at = least;
      }
    },
  };
}
