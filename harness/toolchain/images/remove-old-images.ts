import type { Docker } from '../docker.ts';

/**
 * So many images beside the current one stay: those of the meshes that a gate compares, so that they need not be baked
 * anew each time.
 */
const kept = 2;

/**
 * Removes images that earlier toolchains assembled, except the youngest and those that a container still uses: each
 * node image holds gigabytes, and every version that changes makes another.
 *
 * @param repository one of meshproof's own, e.g. `meshproof/node`
 * @param current the image of today's toolchain, which stays
 * @returns the images that were removed
 */
export async function removeOldImages(docker: Docker, repository: string, current: string): Promise<string[]> {
  const { stdout } = await docker.run(['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', repository]);
  const others = stdout
    .split('\n')
    .filter((image) => image.startsWith(`${repository}:`) && image !== current && !image.endsWith(':<none>'));
  const removed: string[] = [];
  // Docker lists the youngest first.
  for (const image of others.slice(kept)) {
    const users = await docker.run(['ps', '--all', '--quiet', '--filter', `ancestor=${image}`]);
    if (users.stdout.trim() !== '') continue;
    await docker.run(['image', 'rm', image], { purpose: `remove the old image ${image}` });
    removed.push(image);
  }
  return removed;
}
