import { runProgram } from '../process/run-program.ts';

/** Bytes that a folder takes on disk, as `du` counts them; mounts inside of it (running containers) are left out. */
export async function folderBytes(folder: string): Promise<number> {
  const { stdout } = await runProgram({ program: 'du', args: ['--summarize', '--one-file-system', '--block-size=1', folder], purpose: 'measure the cache', code: 'MP202' });
  return Number(stdout.split(/\s/)[0]);
}
