import { BaseSequencer, type TestSpecification } from 'vitest/node';
import type { ScenarioFile } from '../../config/scenario-files.ts';

/** vitest plays what took longest the last time first; a walkthrough has an order of its own. */
export function inOrder(scenarios: readonly ScenarioFile[]): typeof BaseSequencer {
  const place = ({ moduleId }: TestSpecification): number => scenarios.findIndex(({ file }) => file === moduleId);
  return class extends BaseSequencer {
    override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return Promise.resolve([...files].sort((left, right) => place(left) - place(right)));
    }
  };
}
