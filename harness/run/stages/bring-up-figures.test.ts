import { expect, test } from 'vitest';
import { milestoneSchema, milestones } from '../../report/milestones.ts';
import { milestonesOf } from './bring-up-figures.ts';

const startedAt = new Date('2026-11-26T10:00:00.400Z');
const span = { from: new Date('2026-11-26T10:00:02Z'), to: new Date('2026-11-26T10:00:20Z') };

test('moments are seconds of the run, in the order in which a cluster needs them', () => {
  const all = {
    address: span,
    node: span,
    apiServer: span,
    definitions: span,
    istiod: span,
    injection: span,
    gateways: span,
    loadBalancer: span,
  };
  const told = milestonesOf('west', all, startedAt);
  expect(told.map(({ what }) => what)).toEqual(milestones);
  for (const one of told) expect(milestoneSchema.parse(one)).toMatchObject({ cluster: 'west', from: 1.6, to: 19.6 });
  expect(milestonesOf('west', { istiod: span }, startedAt)).toHaveLength(1);
});
