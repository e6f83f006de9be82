import { readFileSync } from 'node:fs';

/**
 * Samples the machine's used memory every half second; the returned function stops and gives the peak rise in bytes
 * since the start.
 */
export function sampleMemory(): () => number {
  const before = usedBytes();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, usedBytes());
  }, 500);
  timer.unref();
  return () => {
    clearInterval(timer);
    return Math.max(peak, usedBytes()) - before;
  };
}

function usedBytes(): number {
  try {
    const text = readFileSync('/proc/meminfo', 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
    return field('MemTotal') - field('MemAvailable');
  } catch {
    // No /proc on this platform: memory is then not measured, and reported as 0.
    return 0;
  }
}
