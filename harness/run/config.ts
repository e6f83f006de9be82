import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parsePool } from '../cluster/address-pool.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';

const clusterName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,20}$/, 'a cluster name has lower-case letters, digits and dashes, 21 characters at most');
const pool = z.string().transform((text, context) => {
  const parsed = parsePool(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `"${text}" is not a range like 172.18.255.200-172.18.255.215` });
  return z.NEVER;
});

/** A run of every scenario on two clusters writes about a tenth of it. */
export const defaultEvidenceMegabytes = 1_000;

/** What meshproof.yaml may say. Unknown keys are errors: a misspelt key must not be silently ignored. */
export const configSchema = z
  .strictObject({
    /** Prefix of everything that is made. */
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,20}$/, 'lower-case letters, digits and dashes')
      .default('meshproof'),
    clusters: z.array(clusterName).min(2, 'a mesh that spans clusters needs two').default(['west', 'east']),
    provider: z.enum(['kind', 'existing']).default('kind'),
    /** Kubeconfig context of each cluster, for the provider `existing`. */
    contexts: z.record(z.string(), z.string()).optional(),
    kubeconfig: z.string().optional(),
    /** Images of the sample workloads, for clusters of the user that cannot pull the published ones. */
    workloads: z
      .strictObject({
        curl: z.string().optional(),
        httpbin: z.string().optional(),
        httpbinPort: z.int().min(1).max(65_535).optional(),
      })
      .optional(),
    toolchain: z.enum(['auto', 'source', 'release']).default('auto'),
    /** Where containers run: your Docker, or the private daemon (root on Debian). */
    engine: z.enum(['auto', 'docker', 'lab']).default('auto'),
    /** Which build of Istio: istio@<release>, istio@<pseudo-version>, path:<folder>; the pinned one by default. */
    mesh: z.string().optional(),
    /** Which Kubernetes; by default the one of the toolchain's edition. */
    kubernetes: z
      .string()
      .regex(/^v\d+\.\d+\.\d+$/, 'a version like v1.34.11')
      .optional(),
    /** A company's own copy of published files and images. */
    mirror: z
      .strictObject({
        files: z.url().optional(),
        images: z.string().optional(),
        /** URL of a file, or name of an image, → SHA-256 of what the mirror has in its place. */
        pins: z
          .record(z.string(), z.string().regex(/^(sha256:)?[0-9a-f]{64}$/i, 'a SHA-256, 64 hex digits'))
          .optional(),
      })
      .optional(),
    addressPools: z.record(z.string(), pool).optional(),
    pki: z
      .strictObject({ folder: z.string().optional(), allowSampleCertificates: z.boolean().default(false) })
      .default({ allowSampleCertificates: false }),
    reports: z.string().default('reports'),
    /** How many runs stay in `reports`; older ones are removed after a run. */
    keepReports: z.int().min(1).default(100),
    /** Runs that began longer ago are removed as well, in days; no limit by default. */
    keepReportsDays: z.int().min(1).optional(),
    /** How much evidence a run may write; config dumps beyond it are left out, and counted in the record. */
    evidenceMegabytes: z.int().min(1).default(defaultEvidenceMegabytes),
  })
  .superRefine((config, context) => {
    if (new Set(config.clusters).size !== config.clusters.length)
      context.addIssue({ code: 'custom', path: ['clusters'], message: 'cluster names must differ' });
    for (const key of ['contexts', 'addressPools'] as const) {
      for (const name of Object.keys(config[key] ?? {})) {
        if (!config.clusters.includes(name))
          context.addIssue({
            code: 'custom',
            path: [key, name],
            message: `no cluster is named "${name}" (clusters: ${config.clusters.join(', ')})`,
          });
      }
    }
    if (config.provider !== 'existing') return;
    for (const name of config.clusters) {
      if (config.contexts?.[name] === undefined)
        context.addIssue({
          code: 'custom',
          path: ['contexts'],
          message: `the provider "existing" needs a context for cluster ${name}`,
        });
    }
  });

export type Config = z.infer<typeof configSchema>;
export const defaultConfigFile = 'meshproof.yaml';

/**
 * Reads the config file, or the defaults when there is none and none was asked for.
 *
 * @throws MeshproofError MP102 that names file, line, key and what is allowed.
 */
export async function loadConfig(
  file: string | undefined,
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<Config> {
  const text = await readFile(file ?? defaultConfigFile, 'utf8').catch((error: unknown) => {
    if (file === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new MeshproofError('MP102', {
      what: `the config file ${file ?? defaultConfigFile} cannot be read`,
      seen: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  });
  return parseConfig(text, file ?? defaultConfigFile, overrides);
}

/** The same from text. */
export function parseConfig(text: string, file: string, overrides: Readonly<Record<string, unknown>> = {}): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new MeshproofError('MP102', {
      what: `${file} is not valid YAML`,
      where: `${file}:${line}`,
      seen: broken.message,
    });
  }
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const parsed = configSchema.safeParse({ ...(document.toJS() as Record<string, unknown> | null), ...given });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  const key = issue?.code === 'unrecognized_keys' ? [...path, ...issue.keys.slice(0, 1)] : path;
  const node: unknown = document.getIn(key, true);
  const offset =
    typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
      ? Number(node.range[0])
      : undefined;
  const known =
    issue?.code === 'unrecognized_keys' && path.length === 0
      ? `one of ${Object.keys(configSchema.shape).join(', ')}`
      : undefined;
  throw new MeshproofError('MP102', {
    what: issue?.code === 'unrecognized_keys' ? `unknown key "${key.join('.')}"` : `wrong value for "${key.join('.')}"`,
    where: offset === undefined ? file : `${file}:${lines.linePos(offset).line}`,
    expected: known ?? issue?.message,
    seen: issue?.code === 'unrecognized_keys' ? key.at(-1) : undefined,
  });
}
