/**
 * A company's own copy of what is published, for machines that reach nothing else. It cannot vouch for itself: hashes
 * come from the list of published-records.ts or from the user.
 */
export interface Mirror {
  /** Base URL: `https://github.com/a/b` is fetched from `<files>/github.com/a/b`. */
  readonly files?: string | undefined;
  /** Registry, with a path if it has one: `istio/pilot:1` is pulled from `<images>/docker.io/istio/pilot:1`. */
  readonly images?: string | undefined;
  /** SHA-256 values that the user gives: URL of a file, or name of an image, → 64 hex digits. See `ReleaseChoice`. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

/** Where a published file is fetched from. */
export function mirroredUrl(url: string, mirror: Mirror | undefined): string {
  return mirror?.files === undefined ? url : `${mirror.files.replace(/\/+$/, '')}/${url.replace(/^https?:\/\//, '')}`;
}

/** Where an image is pulled from. Docker Hub's short names are spelt out. */
export function mirroredImage(image: string, mirror: Mirror | undefined): string {
  if (mirror?.images === undefined) return image;
  const [first = ''] = image.split('/');
  const registry = image.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const whole = registry ? image : image.includes('/') ? `docker.io/${image}` : `docker.io/library/${image}`;
  return `${mirror.images.replace(/\/+$/, '')}/${whole}`;
}

/**
 * An image by its digest alone, e.g. `istio/pilot@sha256:…`: what a registry answers then is that very image, or an
 * error.
 */
export const imageByDigest = (image: string, digest: string): string => `${image.replace(/:[^/:]*$/, '')}@${digest}`;
