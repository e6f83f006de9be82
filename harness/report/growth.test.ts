import { expect, test } from 'vitest';
import { percentile } from '../probe/distribution.ts';
import { formatGrowth, growthSize } from './growth.ts';

test.each([
  [[3, 1, 2], 0.5, 2],
  [[4, 3, 2, 1], 0.5, 2],
  [[7], 0.99, 7],
  [Array.from({ length: 20 }, (_, index) => index + 1), 0.99, 20],
  [Array.from({ length: 200 }, (_, index) => index + 1), 0.99, 198],
])('%j at %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

const size = growthSize({
  services: 100,
  appliedSeconds: 2.00049,
  held: [0.3, 0.2, 0.9],
  sent: { Cluster: { count: 6, bytes: 12_000 }, Listener: { count: 3, bytes: 3_000 } },
  seconds: 6,
  istiodCpuSeconds: 0.6,
  harnessCpuSeconds: 1.5,
  memoryBytes: { west: 700 * 2 ** 20 },
});

test('the figures of a size', () => {
  expect(size).toEqual({
    services: 100,
    appliedSeconds: 2,
    changes: 3,
    heldSeconds: { p50: 0.3, p99: 0.9, max: 0.9 },
    sent: {
      Cluster: { pushes: 6, bytesPerPush: 2_000 },
      Listener: { pushes: 3, bytesPerPush: 1_000 },
      all: { pushes: 9, bytesPerPush: 1_667 },
    },
    seconds: 6,
    istiodCpuSeconds: 0.6,
    harnessCpuSeconds: 1.5,
    memoryBytes: { west: 734_003_200 },
  });
});

test('the table has a row for each size, with what one change takes', () => {
  const told = formatGrowth({
    clusters: ['west', 'east'],
    topology: 'replicated',
    proxies: 6,
    bringUpSeconds: 45,
    memoryBytes: { west: 650 * 2 ** 20, east: 640 * 2 ** 20 },
    sizes: [size],
  });
  expect(told).toContain('brought up in 45.0 s; memory of each cluster before: 650 MiB, 640 MiB');
  expect(told).toContain('| 100 | 2.0 s | 300 ms | 900 ms | 3.0 | 1.7 kB | 200 ms | 500 ms | 700 MiB |');
});
