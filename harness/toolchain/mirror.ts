/** A company's own copy of what is published, for machines that reach nothing else. Checksums are still those of the publishers' files. */
export interface Mirror {
  /** Base URL: `https://github.com/a/b` is fetched from `<files>/github.com/a/b`. */
  readonly files?: string | undefined;
  /** Registry, with a path if it has one: `istio/pilot:1` is pulled from `<images>/docker.io/istio/pilot:1`. */
  readonly images?: string | undefined;
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
