import { appendFile } from 'node:fs/promises';

/** Adds Markdown to the summary of the GitHub job that this runs in, if it runs in one. */
export async function addToJobSummary(markdown: string): Promise<void> {
  const file = process.env['GITHUB_STEP_SUMMARY'] ?? '';
  if (file !== '') await appendFile(file, markdown);
}
