/**
 * Whether one push is newer than another. Versions are `<time>/<count>`; the count begins anew when istiod does.
 *
 * @returns false when one of them is missing: it compares with none
 */
export function isNewerPush(version: string, than: string): boolean {
  const [[time = '', count = ''], [otherTime = '', otherCount = '']] = [version.split('/'), than.split('/')] as [
    string[],
    string[],
  ];
  if (time === '' || otherTime === '') return false;
  return time === otherTime ? Number(count) > Number(otherCount) : time > otherTime;
}
