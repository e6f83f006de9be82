import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../assets/package-files.ts';
import { cover, type CoveredCommand } from '../../report/coverage.ts';
import { conformanceReport } from '../../report/conformance.ts';
import { reportPage } from '../../report/html/report-page.ts';
import { junitReport } from '../../report/junit.ts';
import { parsePage, type Page } from '../../report/page.ts';
import type { RunData } from '../../report/run-data.ts';
import { transcript } from '../../report/transcript.ts';
import { writeInside } from '../../tape/run-folder.ts';
import { builtIn, listScenarios } from '../../config/scenario-files.ts';
import { setUpPageSteps } from '../set-up-steps.ts';

const pageFile = join(packageRoot, 'harness/assets/walkthrough/replicated-control-planes.zh.md');

/** The page, and for each of its commands the steps that carry it out. */
export async function readWalkthrough(): Promise<{ readonly page: Page; readonly covered: CoveredCommand[] }> {
  const page = parsePage(await readFile(pageFile, 'utf8'));
  const scenarios = (await listScenarios([builtIn])).map(({ meta }) => ({
    by: meta.id,
    steps: meta.walkthrough ?? [],
  }));
  return { page, covered: cover(page, [{ by: 'up', steps: setUpPageSteps }, ...scenarios]) };
}

/** Writes walkthrough.md beside a run's run.json, and returns its path. */
export async function writeTranscript(folder: string, data: RunData): Promise<string> {
  const { page, covered } = await readWalkthrough();
  const file = join(folder, 'walkthrough.md');
  await writeInside(file, transcript(page, covered, data));
  return file;
}

/** Writes every report that is made of a run's record alone, beside its run.json. */
export async function writeReports(folder: string, data: RunData): Promise<void> {
  await writeTranscript(folder, data);
  await writeInside(join(folder, 'conformance.yaml'), conformanceReport(data));
  await writeInside(join(folder, 'junit.xml'), junitReport(data));
  await writeInside(join(folder, 'report.html'), reportPage(data));
}
