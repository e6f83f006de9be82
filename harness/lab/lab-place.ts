import { join } from 'node:path';

/**
 * Name of the lab on this machine. Tests have one of their own (MESHPROOF_LAB), which stands beside the one that runs
 * share.
 */
const name = process.env['MESHPROOF_LAB'] ?? 'meshproof';

/** Name of the lab's network namespace. */
export const labNamespace = name;
/** What nsenter takes. */
export const labNamespacePath = `/run/netns/${name}`;
/** Sockets, process ids and the list of users; gone after a reboot, as the daemon is. */
export const runtimeFolder = join('/run', name);
export const pidFile = join(runtimeFolder, 'docker.pid');
export const execRoot = join(runtimeFolder, 'exec');
/** Beside the folder, which goes with the daemon. */
export const labLockFile = `${runtimeFolder}.lock`;
export const labSocket = `unix://${join(runtimeFolder, 'docker.sock')}`;
/** The daemon's own address inside of the lab. */
export const labAddress = '172.30.0.1';

/** True for a name that is safe in paths and as a network namespace. */
export const labNameIsPlain = /^[a-z][a-z0-9-]{0,30}$/.test(name);
