/** Programs that are shown another wall clock, by Debian's faketime. */

/** What is preloaded. */
export const FAKETIME = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`;

/** The environment in which the wall clock begins at `time` (UTC) and goes on from there; the monotonic one is left alone. */
export const clockFrom = (time: string) => ({
  LD_PRELOAD: FAKETIME,
  FAKETIME: `@${time}`,
  TZ: 'UTC',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  DONT_FAKE_MONOTONIC: '1',
});
