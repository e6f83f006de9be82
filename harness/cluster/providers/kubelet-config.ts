/** What `docker info` is asked for, so that the kubelets of the nodes fit to the machine's control groups. */
export const cgroupFormat = '{{.CgroupVersion}} {{.CgroupDriver}}';

/**
 * The KubeletConfiguration for nodes on this machine: on cgroup v1 the kubelet has to be told that it may run, and
 * without systemd it makes its control groups itself.
 *
 * @param told what docker answered to {@link cgroupFormat}
 */
export function kubeletConfig(told: string): object {
  const [cgroup = '2', driver = 'systemd'] = told.trim().split(' ');
  return {
    kind: 'KubeletConfiguration',
    ...(driver === 'cgroupfs' ? { cgroupDriver: 'cgroupfs' } : {}),
    ...(cgroup === '1' ? { failCgroupV1: false } : {}),
  };
}
