import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { parseAccessLog } from '../probe/access-log.ts';
import type { ProxyTrust, RefusedCall } from './situation.ts';

/** Envoy's `/config_dump?resource=dynamic_active_secrets`: certificates without their keys, which Envoy leaves out. */
const secretsSchema = z.object({
  configs: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        secret: z
          .looseObject({
            tls_certificate: z
              .looseObject({ certificate_chain: z.looseObject({ inline_bytes: z.string().optional() }).optional() })
              .optional(),
            validation_context: z
              .looseObject({ trusted_ca: z.looseObject({ inline_bytes: z.string().optional() }).optional() })
              .optional(),
          })
          .optional(),
      }),
    )
    .default([]),
});

/**
 * What a proxy presents and trusts.
 *
 * @param proxy "west foo/sleep-…"
 * @param json the answer of `/config_dump?resource=dynamic_active_secrets`
 * @returns undefined for a proxy that has no certificate of its own yet
 */
export function trustOf(proxy: string, json: unknown): ProxyTrust | undefined {
  const { configs } = secretsSchema.parse(json);
  const certificates = (bytes: string | undefined): X509Certificate[] =>
    (
      Buffer.from(bytes ?? '', 'base64')
        .toString()
        .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    ).map((pem) => new X509Certificate(pem));
  const chain = certificates(
    configs.find(({ name }) => name === 'default')?.secret?.tls_certificate?.certificate_chain?.inline_bytes,
  );
  const roots = certificates(
    configs.find(({ name }) => name === 'ROOTCA')?.secret?.validation_context?.trusted_ca?.inline_bytes,
  );
  const [leaf] = chain;
  if (leaf === undefined) return undefined;
  return {
    proxy,
    identity: /URI:([^,\s]+)/.exec(leaf.subjectAltName ?? '')?.[1] ?? '',
    issuer: leaf.issuer,
    notBefore: new Date(leaf.validFrom).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
    roots: roots.map(({ fingerprint256 }) => fingerprint256),
    chainEnd: chain.at(-1)?.fingerprint256 ?? '',
  };
}

/** Response flags that every connection has in the end, and that tell of no trouble. */
const harmless = new Set(['-', '']);

/**
 * The calls and connections in a proxy's access log that came to nothing, the last of each kind.
 *
 * @param proxy "east istio-system/istio-ingressgateway-…"
 */
export function refusedCallsOf(proxy: string, log: string): RefusedCall[] {
  const calls = parseAccessLog(log)
    .filter(({ response_code: code, response_flags: flags }) => code >= 400 || !harmless.has(flags ?? '-'))
    .map((entry): RefusedCall => ({
      proxy,
      flags: entry.response_flags ?? '-',
      details: entry.response_code_details ?? entry.connection_termination_details ?? '',
      code: entry.response_code,
      upstreamFailure: entry.upstream_transport_failure_reason ?? '',
      authority: entry.authority ?? entry.requested_server_name ?? '',
      upstreamCluster: entry.upstream_cluster ?? '',
      upstreamHost: entry.upstream_host ?? '',
    }));
  const last = new Map(calls.map((call) => [JSON.stringify({ ...call }), call]));
  return [...last.values()].slice(-10);
}
