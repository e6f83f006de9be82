/** "west foo/sleep-76d5b8b4b6-mzkk5" → "west foo/sleep". */
export const workloadOf = (proxy: string): string => proxy.replace(/-[a-z0-9]{5,10}-[a-z0-9]{5}$/, '');
