import { MeshproofError } from '../errors/meshproof-error.ts';
import { nearestTo } from '../probe/trace.ts';
import type { PageStep } from '../scenario/scenario.ts';
import { commandsOf, type Page, type PageCommand } from './page.ts';

/** Steps of one scenario, or of bringing the environment up, that carry out commands of the page. */
export interface PageSteps {
  /** Scenario id, or "up". */
  readonly by: string;
  readonly steps: readonly PageStep[];
}

/**
 * A command of the page with the steps that carry it out: exactly as it says, or something in its place for a reason.
 */
export interface CoveredCommand {
  readonly command: PageCommand;
  readonly steps: readonly (PageStep & { readonly by: string })[];
}

/**
 * Maps every command of the page to the steps that carry it out.
 *
 * @throws MeshproofError MP709 for a step that names a command which the page does not have.
 */
export function cover(page: Page, sources: readonly PageSteps[]): CoveredCommand[] {
  const rows = sources.flatMap(({ by, steps }) => steps.map((step) => ({ ...step, by })));
  for (const { runs, by } of rows) {
    if (commandsOf(page, runs).length === 0) {
      const nearest = nearestTo(
        runs,
        page.commands.map(({ id }) => id),
      );
      throw new MeshproofError('MP709', {
        what: `${by} carries out ${runs}, which the page does not have`,
        expected: `one of the page’s commands, nearest: ${nearest.join(', ')}`,
      });
    }
  }
  return page.commands.map((command) => ({
    command,
    steps: rows.filter(({ runs }) => commandsOf(page, runs).some(({ id }) => id === command.id)),
  }));
}

/** The commands that no step carries out. */
export const uncovered = (covered: readonly CoveredCommand[]): PageCommand[] =>
  covered.filter(({ steps }) => steps.length === 0).map(({ command }) => command);
