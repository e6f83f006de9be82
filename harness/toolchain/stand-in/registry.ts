import type { RequestListener } from 'node:http';

export interface StandInRegistry {
  /** Repository → its tags and digests. */
  readonly images: Readonly<Record<string, readonly string[]>>;
  /** `token`: everybody gets one; `password`: a user is asked for after the token as well; `basic`: no tokens. */
  readonly login?: 'none' | 'token' | 'password' | 'basic';
  /** Tags on one page of the list. */
  readonly pageSize?: number;
}

/** Answers as a registry does, HTTP API v2, to questions about manifests and tags. */
export function registryListener({ images, login = 'none', pageSize = 1_000 }: StandInRegistry): RequestListener {
  return (question, answer) => {
    const base = `http://${question.headers.host ?? ''}`;
    const url = new URL(question.url ?? '', base);
    if (url.pathname === '/token') {
      const scope = url.searchParams.get('scope') ?? '';
      answer.end(JSON.stringify({ token: `for ${scope}` }));
      return;
    }
    const [, repository = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|tags)\/(.+)$/.exec(url.pathname) ?? [];
    const scope = `repository:${repository}:pull`;
    const known = login === 'none' || (login === 'token' && question.headers.authorization === `Bearer for ${scope}`);
    if (!known) {
      const challenge = `Bearer realm="${base}/token",service="stand-in",scope="${scope}"`;
      answer.writeHead(401, { 'www-authenticate': login === 'basic' ? 'Basic realm="stand-in"' : challenge }).end('{}');
      return;
    }
    const tags = images[repository];
    if (tags === undefined) answer.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}');
    else if (kind === 'tags') {
      const from = Number(url.searchParams.get('last') ?? 0);
      const page = tags.slice(from, from + pageSize);
      if (from + pageSize < tags.length)
        answer.setHeader('link', `</v2/${repository}/tags/list?last=${from + pageSize}>; rel="next"`);
      answer.end(JSON.stringify({ name: repository, tags: page }));
    } else if (tags.includes(reference)) {
      answer.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }).end();
    } else answer.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  };
}
