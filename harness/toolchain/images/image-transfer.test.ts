import { describe, expect, test } from 'vitest';
import { imageStoreFrom, imageTransfer } from './image-transfer.ts';

// As `docker info --format '{{json .}}'` of these daemons says it.
const graph = {
  Driver: 'overlay2',
  DriverStatus: [
    ['Backing Filesystem', 'extfs'],
    ['Supports d_type', 'true'],
  ],
  OSType: 'linux',
  Architecture: 'x86_64',
};
const containerd = {
  Driver: 'overlayfs',
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
  OSType: 'linux',
  Architecture: 'aarch64',
};

describe('the image store of a daemon', () => {
  test('is Docker’s own, whatever the API version', () => {
    expect(imageStoreFrom(graph, '1.41')).toEqual({ kind: 'graph', apiVersion: '1.41', platform: 'linux/amd64' });
  });
  test('is containerd’s where the driver is a snapshotter', () => {
    expect(imageStoreFrom(containerd, '1.51')).toEqual({
      kind: 'containerd',
      apiVersion: '1.51',
      platform: 'linux/arm64',
    });
  });
  test('may say nothing of its driver', () => {
    expect(imageStoreFrom({ ...graph, DriverStatus: null }, '1.41').kind).toBe('graph');
  });
});

describe('images from a store into a node', () => {
  const platform = 'linux/arm64';
  test('come whole from Docker’s own store', () => {
    const { save, load } = imageTransfer({ kind: 'graph', apiVersion: '1.51', platform });
    expect(save).toEqual(['save']);
    expect(load).toContain('--all-platforms');
  });
  test('are saved for one platform where the daemon can', () => {
    for (const apiVersion of ['1.48', '1.51', '2.0']) {
      const { save, load } = imageTransfer({ kind: 'containerd', apiVersion, platform });
      expect(save).toEqual(['save', '--platform', platform]);
      expect(load).toContain('--all-platforms');
    }
  });
  test('are taken for the node’s own platform where it cannot', () => {
    for (const apiVersion of ['1.9', '1.43', '1.47']) {
      const { save, load } = imageTransfer({ kind: 'containerd', apiVersion, platform });
      expect(save).toEqual(['save']);
      expect(load).not.toContain('--all-platforms');
    }
  });
});
