/**
 * The resolver that nodes hand to pods, as a file of the node image. Clusters ask nobody outside: they need nothing
 * from there, and what a public name server says of a name (`.global` is a top-level domain that people can buy) must
 * not decide a claim.
 *
 * It has to refuse at once, wherever the clusters run. An address at which nobody listens answers so in some networks,
 * and is silent in those whose firewall swallows it. This is a documentation address of IPv6 (RFC 3849), to which a pod
 * of an IPv4 cluster has no route: its own kernel says so.
 */
export const refusingResolver = { path: '/kind/resolv.conf', text: 'nameserver 2001:db8::53\n' } as const;
