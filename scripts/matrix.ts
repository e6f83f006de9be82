/**
 * The matrix of GitHub's jobs as JSON: every published Istio on every published Kubernetes that it supports, from the
 * one list of what is published; or one mesh on all of them.
 *
 * `npx tsx scripts/matrix.ts [mesh, e.g. istio@1.31.0]`
 */
import { publishedVersions } from '../harness/toolchain/published.ts';

/**
 * Newest minor version of Kubernetes that a release line of Istio supports, by istio.io's table of releases; a line not
 * named here: all.
 */
const newestMinor: Readonly<Record<string, number>> = { '1.30': 36, '1.31': 37 };

const [only = ''] = process.argv.slice(2);
const meshes = only === '' ? publishedVersions.istio.map((version) => `istio@${version}`) : [only];
const include = meshes.flatMap((mesh) => {
  const line = /^istio@(\d+\.\d+)\./.exec(mesh)?.[1] ?? '';
  const newest = newestMinor[line] ?? Number.POSITIVE_INFINITY;
  return publishedVersions.kubernetes
    .filter((version) => Number(version.split('.')[1]) <= newest)
    .map((kubernetes) => ({ mesh, kubernetes }));
});
process.stdout.write(JSON.stringify({ include }));
