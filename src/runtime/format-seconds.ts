/** A duration for a message: `60 s`, `1.5 s`, `0.25 s`. Rounded: what a clock measures has a dozen digits. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  const digits = seconds >= 10 ? 1 : 2;
  return `${Number(seconds.toFixed(digits))} s`;
}
