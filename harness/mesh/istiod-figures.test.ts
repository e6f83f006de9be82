import { expect, test } from 'vitest';
import { addFigures, figuresBetween, figuresOf } from './istiod-figures.ts';

const page = `# HELP pilot_xds_config_size_bytes Distribution of configuration sizes pushed to clients
# TYPE pilot_xds_config_size_bytes histogram
pilot_xds_config_size_bytes_bucket{type="type.googleapis.com/envoy.config.cluster.v3.Cluster",le="10000"} 1
pilot_xds_config_size_bytes_sum{type="type.googleapis.com/envoy.config.cluster.v3.Cluster"} 50000
pilot_xds_config_size_bytes_count{type="type.googleapis.com/envoy.config.cluster.v3.Cluster"} 4
pilot_xds_config_size_bytes_sum{scope="istio",type="type.googleapis.com/envoy.config.listener.v3.Listener"} 1.5e+06
pilot_xds_config_size_bytes_count{scope="istio",type="type.googleapis.com/envoy.config.listener.v3.Listener"} 3
process_cpu_seconds_total 12.5
process_cpu_seconds_total_of_another_metric 99
`;

test('an istiod tells its processor time, and what it sent of each type', () => {
  expect(figuresOf(page)).toEqual({
    cpuSeconds: 12.5,
    sent: { Cluster: { bytes: 50_000, count: 4 }, Listener: { bytes: 1_500_000, count: 3 } },
  });
  expect(figuresOf('process_cpu_seconds_total 12.5\n')).toBeUndefined();
});

const cluster = (bytes: number, count: number) => ({ Cluster: { bytes, count } });

test('several istiods add up', () => {
  expect(
    addFigures([
      { cpuSeconds: 1, sent: cluster(10, 1) },
      { cpuSeconds: 2, sent: { ...cluster(20, 2), Route: { bytes: 5, count: 1 } } },
    ]),
  ).toEqual({ cpuSeconds: 3, sent: { Cluster: { bytes: 30, count: 3 }, Route: { bytes: 5, count: 1 } } });
});

test('between two looks only what moved counts', () => {
  const before = { cpuSeconds: 1, sent: { ...cluster(10, 1), Route: { bytes: 5, count: 1 } } };
  const after = { cpuSeconds: 1.5, sent: { ...cluster(40, 3), Route: { bytes: 5, count: 1 } } };
  expect(figuresBetween(before, after)).toEqual({ cpuSeconds: 0.5, sent: cluster(30, 2) });
});

test('an istiod that started anew says nothing about what lies between', () => {
  const before = { cpuSeconds: 9, sent: cluster(10, 1) };
  expect(figuresBetween(before, { cpuSeconds: 1, sent: cluster(40, 3) })).toBeUndefined();
  expect(figuresBetween(before, { cpuSeconds: 10, sent: cluster(5, 1) })).toBeUndefined();
  expect(figuresBetween(before, { cpuSeconds: 10, sent: {} })).toBeUndefined();
});
