import { execa } from 'execa';

/**
 * Bytes that a folder takes on disk, mounts inside of it (running containers) left out. A living daemon adds and
 * removes files meanwhile; what vanished between two looks counts as nothing.
 *
 * @returns undefined when not even the folder can be read
 */
export async function folderBytes(folder: string): Promise<number | undefined> {
  const { stdout } = await execa('du', ['--summarize', '--one-file-system', '--block-size=1', folder], {
    reject: false,
  });
  const bytes = Number.parseInt(stdout, 10);
  return Number.isNaN(bytes) ? undefined : bytes;
}
