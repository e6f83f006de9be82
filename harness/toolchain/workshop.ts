import type { Say } from '../progress/progress.ts';
import type { ArtifactCache } from './cache.ts';
import type { Mirror } from './mirror.ts';

/** What a builder works with: its unfinished folder, the cache beside it, where to log and whom to tell. */
export interface Workshop {
  /** Folder that becomes the artifact; may hold what an interrupted try left. */
  readonly partial: string;
  readonly cache: ArtifactCache;
  readonly log: string;
  readonly say: Say;
  readonly signal: AbortSignal;
  /** Where published files are fetched instead of from their publishers. */
  readonly mirror?: Mirror | undefined;
  /** Finds a file of another, finished artifact by component name. */
  readonly locate: (component: string) => Promise<string>;
}
