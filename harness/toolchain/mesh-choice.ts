import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { versions } from './manifest.ts';
import type { GoRecipe } from './recipe.ts';

/**
 * Which build of the mesh a run is for, as plain data: the one that the manifest pins, a release, a commit, or a folder
 * of sources.
 */
export type MeshChoice =
  | { readonly kind: 'pinned' }
  | { readonly kind: 'release'; readonly version: string }
  /** A version of the Go module istio.io/istio: a commit by its pseudo-version. */
  | { readonly kind: 'module'; readonly version: string }
  /** Sources on this machine; `hash` is over all of them, so that a change makes another mesh. */
  | { readonly kind: 'path'; readonly folder: string; readonly hash: string };

export const pinnedMesh: MeshChoice = { kind: 'pinned' };

const release = /^\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$/;
const pseudoVersion = /^v0\.0\.0-\d{14}-[0-9a-f]{12}$/;

/**
 * Reads what `--mesh` says: `istio@1.30.0`, `istio@<pseudo-version of a commit>`, or `path:<folder of a checkout>`.
 *
 * @throws MeshproofError MP103 for anything else, MP305 for a folder that is no checkout of Istio.
 */
export async function parseMesh(text: string | undefined): Promise<MeshChoice> {
  if (text === undefined) return pinnedMesh;
  if (text.startsWith('path:')) return await sourcesIn(resolve(text.slice('path:'.length)));
  const version = /^istio@(.+)$/.exec(text)?.[1] ?? '';
  const pinnedCommit = versions.istioSource.split('-').at(-1) ?? '';
  // A commit is known by its hash, however many digits of it are given, when it is the pinned one.
  if (
    version === versions.istioSource ||
    (version.length >= 7 && (pinnedCommit.startsWith(version) || version.startsWith(pinnedCommit)))
  )
    return pinnedMesh;
  if (release.test(version)) return { kind: 'release', version };
  if (pseudoVersion.test(version)) return { kind: 'module', version };
  throw new MeshproofError('MP103', {
    what: `--mesh does not say which mesh: ${text}`,
    expected:
      'istio@<release>, istio@<pseudo-version of a commit, like v0.0.0-20260827124520-eed52ebb66ad>, or path:<folder>',
    seen: text,
    remedy: 'The pseudo-version of a commit is what `go list -m istio.io/istio@<commit>` prints.',
  });
}

/** What a mesh is called in reports, e.g. "1.30.0", "commit b01690e6db7d" or "path 0f3a…". */
export function meshName(mesh: MeshChoice): string {
  switch (mesh.kind) {
    case 'pinned':
      return versions.istioSource;
    case 'release':
    case 'module':
      return mesh.version;
    case 'path':
      return `path-${mesh.hash}`;
  }
}

/**
 * The pinned Istio recipe, bent to another commit or to sources on this machine. Releases are not built, so they leave
 * it as it is.
 */
export function recipeFor(mesh: MeshChoice, pinned: GoRecipe): GoRecipe {
  if (mesh.kind !== 'module' && mesh.kind !== 'path') return pinned;
  const { id, from, module, programs, tags, files, provides, seconds, bytes } = pinned;
  return {
    id,
    from,
    module,
    programs,
    ...(tags === undefined ? {} : { tags }),
    files: { ...files, VERSION: 'VERSION' },
    provides: { ...provides, 'istio-series': 'VERSION' },
    seconds,
    bytes,
    version: meshName(mesh),
    lockedByItself: true,
    ...(mesh.kind === 'path' ? { sources: mesh.folder } : {}),
  };
}

async function sourcesIn(folder: string): Promise<MeshChoice> {
  const module = await readFile(join(folder, 'go.mod'), 'utf8').catch((cause: unknown) => {
    throw new MeshproofError('MP305', {
      what: 'there is no Go module to build a mesh from',
      where: folder,
      expected: 'a checkout of istio.io/istio',
      cause,
    });
  });
  if (!/^module istio\.io\/istio$/m.test(module))
    throw new MeshproofError('MP305', {
      what: 'this is another Go module',
      where: folder,
      expected: 'module istio.io/istio',
      seen: module.split('\n')[0],
    });
  const hash = createHash('sha256');
  const names = (await readdir(folder, { recursive: true })).filter((name) => !/^(\.git|out)(\/|$)/.test(name)).sort();
  for (const name of names) {
    const file = join(folder, name);
    if (!(await stat(file)).isFile()) continue;
    hash.update(`\0${name}\0`).update(await readFile(file));
  }
  return { kind: 'path', folder, hash: hash.digest('hex').slice(0, 12) };
}
