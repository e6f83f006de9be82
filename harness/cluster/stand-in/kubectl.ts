/**
 * The text of a program that stands in for kubectl: its control planes have both gateways in step, every curl is
 * answered with 200, and all else that is asked of a pod is refused, so that scenarios end at their first look into a
 * proxy.
 *
 * @param node path of the interpreter
 */
export const kubectlStandIn = (node: string): string => `#!${node}
const args = process.argv.slice(2);
const json = JSON.stringify;
if (args.includes('/debug/syncz')) {
  const pods = ['istio-ingressgateway-0', 'istio-egressgateway-0'];
  console.log(json(pods.map((pod) => ({ proxy: pod + '.istio-system' }))));
} else if (args.includes('--selector=app=istiod')) {
  console.log('istiod-0');
} else if (args.some((word) => word.includes('curl -H'))) {
  const said = { response_code: 200, remote_ip: '240.0.0.2', exitcode: 0, errormsg: null, time_total: 0.01 };
  process.stdout.write('HTTP/1.1 200 OK\\r\\n\\r\\n' + '\\u001emeshproof ' + json(said) + '\\u001d');
} else {
  console.error('error: this pod answers nothing');
  process.exitCode = 1;
}
`;
