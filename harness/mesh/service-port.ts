/** A port of a service, as ServiceEntries list it. */
export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: 'HTTP' | 'TCP' | 'HTTP2' | 'GRPC' | 'TLS';
  readonly targetPort?: number;
}
