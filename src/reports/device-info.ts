/** The text of `device_info`. Pure; what it tells is found out by host/machine.ts. */

/** A table longer than this says no more to a person. */
export const FACT_MAX_CHARACTERS = 8000;

/** Compact JSON of four strings, in the order in which they are shown. A string that is too long is cut. */
export function deviceInfo(machine: { uname: string; df: string; free: string; ipaddrs: string }): string {
  const { uname, df, free, ipaddrs } = machine;
  const cut = (fact: string) =>
    fact.length > FACT_MAX_CHARACTERS ? `${fact.slice(0, FACT_MAX_CHARACTERS)}…` : fact;
  return JSON.stringify({ uname: cut(uname), df: cut(df), free: cut(free), ipaddrs: cut(ipaddrs) });
}
