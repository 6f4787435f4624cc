/** Wake-up calls to a gwe that is awake: WINCH and HUP have it check in now. TERM and INT, which stop it, are main.ts's. */

/** Wake-up calls: kept until somebody takes them, so that none is lost while a turn is under way. */
export const wakeUps = (() => {
  let called = false;
  let controller = new AbortController();
  return {
    /** Calls: the present or the next nap ends at once. */
    call(): void {
      called = true;
      controller.abort();
    },
    /** Aborted as soon as somebody calls. */
    signal: (): AbortSignal => controller.signal,
    /** Whether there was a call since the last time; forgets it. */
    take(): boolean {
      const was = called;
      called = false;
      controller = new AbortController();
      return was;
    },
  };
})();

/** From now on WINCH and HUP call. */
export function listenForWakeUps(): void {
  for (const name of ['SIGWINCH', 'SIGHUP'] as const) process.on(name, () => wakeUps.call());
}
