/**
 * Every error a user can meet, by its stable code. `meshproof explain <code>` prints an entry; exit codes come from
 * `blame`. Codes are never reused: a retired one stays listed with a note.
 */
export type Blame = 'usage' | 'environment' | 'mesh';

export interface CatalogueEntry {
  readonly title: string;
  readonly blame: Blame;
  /** What it means and why it happens. */
  readonly meaning: string;
  /** What to try, most likely first. */
  readonly remedy: string;
}

export const catalogue = {
  // MP1xx: what was asked for
  MP101: {
    title: 'unknown scenario',
    blame: 'usage',
    meaning: '`--only` (or a config file) names a scenario ID that no file in scenarios/ has.',
    remedy: 'Run `meshproof list` to see the IDs. Separate several IDs with commas.',
  },
  MP102: {
    title: 'invalid configuration',
    blame: 'usage',
    meaning:
      'The config file has a key that meshproof does not know or a value of the wrong type, or it is not valid YAML.',
    remedy: 'Fix the key named in the message. docs/configuration.md lists all keys and their defaults.',
  },
  MP103: {
    title: 'invalid option',
    blame: 'usage',
    meaning: 'A command line option is unknown, has no value, or contradicts another option.',
    remedy: 'Run the command with --help.',
  },
  MP104: {
    title: 'unknown error code',
    blame: 'usage',
    meaning: 'The code that you gave to `meshproof explain` is not in the catalogue.',
    remedy: 'Run `meshproof explain` without a code to list all codes.',
  },
  MP105: {
    title: 'nothing to reuse',
    blame: 'usage',
    meaning:
      '`--reuse` found no kept environment, the kept environment no longer answers, or it is not the one that ' +
      'is configured: another provider, other clusters or contexts, or another build.',
    remedy: 'Create one with `meshproof up`, or run without --reuse.',
  },
  MP106: {
    title: 'not inside the lab',
    blame: 'usage',
    meaning: 'The kept environment lives in the lab’s network namespace, and this process is outside it.',
    remedy:
      'Prefix the command with `npx meshproof exec --`, for example `npx meshproof exec -- npx vitest ' +
      '--project conformance`.',
  },
  MP107: {
    title: 'no such program',
    blame: 'usage',
    meaning:
      'The program that you gave to `exec` is neither part of the environment (kubectl, istioctl, kind, ' +
      'docker) nor on the PATH, or it cannot be started.',
    remedy:
      'Check the name. If a program of the environment is no longer in the cache, `npx meshproof prepare` ' +
      'makes it again.',
  },
  MP108: {
    title: 'invalid scenario file',
    blame: 'usage',
    meaning:
      'A file listed under `scenarios` in the config does not load, does not export a scenario with its own ' +
      'ID, or shares its ID with another file; or a pattern matches no file. The ID of a scenario is its path ' +
      'below the first folder without a wildcard, without `.scenario.ts`.',
    remedy:
      'Export `scenario({ id, … })` as the default export of the file, with the ID that the message names. ' +
      '`meshproof list` loads every file and tells you what it is.',
  },
  MP109: {
    title: 'the repository cannot be created',
    blame: 'usage',
    meaning: '`meshproof init` cannot write a file: the folder is read-only, or a file exists where a folder must be.',
    remedy: 'Name another folder: `meshproof init <folder>`. Existing files are never overwritten.',
  },
  // MP2xx: the machine
  MP201: {
    title: 'no container engine',
    blame: 'environment',
    meaning:
      'There is no usable Docker daemon, and meshproof is not allowed to start its private one (that needs ' +
      'root on Linux).',
    remedy:
      'Start Docker, or run as root on Debian: meshproof then runs a private daemon in its own network namespace.',
  },
  MP202: {
    title: 'not enough disk space',
    blame: 'environment',
    meaning:
      'The file system of the cache has less free space than two clusters and the components that are not ' +
      'built yet need.',
    remedy: 'Free some space, or point MESHPROOF_CACHE at a larger file system. Nothing was started.',
  },
  MP203: {
    title: 'missing host tool',
    blame: 'environment',
    meaning: 'meshproof calls a program that is not on this machine.',
    remedy: 'Install it as the message describes. `meshproof doctor` lists all missing tools at once.',
  },
  MP204: {
    title: 'another meshproof process is running',
    blame: 'environment',
    meaning: 'A live meshproof process holds the environment or the cache entry that this command needs.',
    remedy:
      'Wait for it, or stop the process named in the message. Locks of a killed process are free at once. ' +
      'Locks of a process on another machine, or in another container, are free ten seconds after its last ' +
      'sign of life.',
  },
  MP205: {
    title: 'no permission to use the Docker socket',
    blame: 'environment',
    meaning: 'There is a Docker daemon, but this user may not access it. The message contains Docker’s own error.',
    remedy:
      'Join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or use ' +
      'rootless Docker.',
  },
  MP206: {
    title: 'Docker does not answer',
    blame: 'environment',
    meaning:
      'There is a Docker daemon, but it does not answer before the deadline: it is stopped, still starting, or ' +
      'stuck. This is not the same as a machine without Docker, so meshproof uses nothing else instead.',
    remedy:
      'Start Docker again and wait until `docker version` answers. To run without it as root on Debian, set ' +
      '`engine: lab` in meshproof.yaml.',
  },
  MP207: {
    title: 'unsupported container engine',
    blame: 'environment',
    meaning:
      'The `docker` program or its daemon belongs to another engine (podman, nerdctl), or the daemon runs ' +
      'Windows containers. meshproof builds the node images with Docker’s own commands, which work differently ' +
      'there.',
    remedy:
      'Install Docker, or choose another context or DOCKER_HOST. To run without it as root on Debian, set ' +
      '`engine: lab` in meshproof.yaml.',
  },
  MP208: {
    title: 'unsupported platform',
    blame: 'environment',
    meaning:
      'meshproof runs on Linux and macOS, on amd64 or arm64. It compiles components from source packages on ' +
      'Linux only, because the cluster nodes run what it compiles.',
    remedy:
      'On Windows, use WSL2. On macOS, use Docker Desktop, Colima or a similar engine, with the toolchain `release`.',
  },
  MP209: {
    title: 'the Docker daemon is on another machine',
    blame: 'environment',
    meaning:
      'The Docker context, or DOCKER_HOST, points to a remote daemon. kind publishes the API servers of the ' +
      'clusters on that machine’s loopback address, which is not reachable from here.',
    remedy: 'Run meshproof on that machine, or choose a local context: `docker context use default`.',
  },
  MP210: {
    title: 'unsupported control groups',
    blame: 'environment',
    meaning:
      'The nodes need control groups that this Docker does not offer. Kubernetes 1.35 and newer refuses ' +
      'version 1. Rootless Docker needs version 2 with the controllers cpu, memory and pids delegated.',
    remedy:
      'Use Kubernetes 1.34 (`--kubernetes`), or boot with `systemd.unified_cgroup_hierarchy=1`. For rootless ' +
      'Docker, see https://kind.sigs.k8s.io/docs/user/rootless/.',
  },
  MP211: {
    title: 'not enough disk space for Docker',
    blame: 'environment',
    meaning:
      'The file system of Docker’s data root has less free space than two clusters and the images that are not ' +
      'pulled or built yet need.',
    remedy:
      'Free some space there (`docker system df` shows what uses it), or move the data root. Nothing was started.',
  },
  MP212: {
    title: 'inotify limits are too low',
    blame: 'environment',
    meaning:
      'Every node runs a whole Kubernetes that watches files. With too few inotify instances or watches, pods ' +
      'fail with "too many open files" in the middle of a run. The limits apply to the whole machine, so ' +
      'meshproof does not raise them itself.',
    remedy: 'sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288',
  },
  MP213: {
    title: 'little free memory',
    blame: 'environment',
    meaning:
      'Each cluster with its mesh and the samples of the scenarios takes about 0.9 GB. With less free memory than ' +
      'that the kernel ends processes in the middle of a run, and whatever they did looks broken.',
    remedy: 'Stop what else uses memory, or have fewer clusters (`--clusters`).',
  },
  MP220: {
    title: 'no space left',
    blame: 'environment',
    meaning:
      'A file system is full, or a quota is used up, so a file could not be written: a record, evidence, or a ' +
      'file in the cache. A run with an incomplete record has no verdict. meshproof still removes what the run ' +
      'created.',
    remedy:
      'Free some space at the place that the message names, or point `reports` or MESHPROOF_CACHE at a larger ' +
      'file system.',
  },
  MP221: {
    title: 'not permitted by the operating system',
    blame: 'environment',
    meaning:
      'A file could not be read or written, because of its permissions or because its file system is mounted ' +
      'read-only. A run with an incomplete record has no verdict. meshproof still removes what the run created.',
    remedy:
      'Check who owns the path that the message names (`ls -ld`), and whether it is mounted read-only (`findmnt -T`).',
  },
  MP222: {
    title: 'too many open files',
    blame: 'environment',
    meaning: 'This process, or the whole machine, cannot open any more files.',
    remedy: 'Raise the limit (`ulimit -n 4096`), or stop whatever holds so many files open.',
  },
  // MP3xx: the toolchain
  MP301: {
    title: 'component could not be built',
    blame: 'environment',
    meaning:
      'The build of a component from its source package failed. What is compiled so far is kept, and the next ' +
      'attempt continues from there.',
    remedy:
      'Read the log named in the message. Package registries must be reachable through the usual clients (go, ' +
      'pip, apt).',
  },
  MP302: {
    title: 'component could not be downloaded',
    blame: 'environment',
    meaning: 'A release file or an image could not be downloaded. No partial file is left in the cache.',
    remedy: 'Check the network, or use `--toolchain source` to build from source packages.',
  },
  MP303: {
    title: 'checksum does not match',
    blame: 'environment',
    meaning:
      'A downloaded file does not match the checksum in the manifest, or in the publisher’s checksum file. ' +
      'meshproof discarded the file.',
    remedy: 'Try again. If the error persists, something between you and the publisher changes files.',
  },
  MP304: {
    title: 'image could not be assembled',
    blame: 'environment',
    meaning: 'A container image or the node image could not be assembled from the components.',
    remedy: 'Read the log named in the message. `meshproof down --all` gives you a fresh private daemon.',
  },
  MP305: {
    title: 'this mesh or Kubernetes is not available here',
    blame: 'usage',
    meaning:
      '`--mesh` or `--kubernetes` names something that the chosen edition of the toolchain cannot provide: a ' +
      'folder that is not an Istio checkout, a release where only source packages are reachable, or a commit ' +
      'where only releases are used.',
    remedy:
      'The message says what is available. `meshproof doctor` with the same options shows what would be built ' +
      'or downloaded.',
  },
  MP306: {
    title: 'no known checksum for a mirrored file',
    blame: 'usage',
    meaning:
      'A mirror is configured, but no SHA-256 is known for a file or an image that would come from it. Nobody ' +
      'would notice a mirror that serves a wrong file together with a matching checksum, so meshproof refuses ' +
      'it.',
    remedy:
      'Choose a version from `meshproof list --published`, or add the publisher’s SHA-256 under `mirror.pins` ' +
      'in meshproof.yaml.',
  },
  MP310: {
    title: 'file is not published',
    blame: 'environment',
    meaning: 'The publisher (or the mirror) answers, but does not have this file: the version does not exist there.',
    remedy: 'Choose a published version, or add the file to your mirror.',
  },
  MP311: {
    title: 'image is not published',
    blame: 'environment',
    meaning: 'The registry (or the mirror) answers, but does not have this tag or digest.',
    remedy: 'Choose one of the tags that the message names, or copy the image to your mirror.',
  },
  MP312: {
    title: 'the proxy requires a login',
    blame: 'environment',
    meaning: 'The proxy in HTTP_PROXY or HTTPS_PROXY answered 407: it requires a user name and a password.',
    remedy:
      'Add them to the variable, with special characters percent-encoded: http://user:password@proxy:3128. ' +
      'List hosts that need no proxy in NO_PROXY.',
  },
  MP313: {
    title: 'a publisher requires a login',
    blame: 'environment',
    meaning:
      'A registry refuses anonymous access and the login that Docker has, or a file server answered 401 or ' +
      '403. Registries give the same answer for a repository that they do not have.',
    remedy: 'Check the name. Then run `docker login <registry>`, or use a mirror that gives access.',
  },
  MP314: {
    title: 'a publisher’s name does not resolve',
    blame: 'environment',
    meaning:
      'No name server knows the publisher’s host, or none answers: this machine has no network, or no way out of it.',
    remedy: 'Check the network and DNS. Behind a proxy, set HTTPS_PROXY. To use your own copy, set `mirror`.',
  },
  MP315: {
    title: 'a publisher cannot be reached',
    blame: 'environment',
    meaning: 'The connection to the publisher, its mirror or the proxy was refused, had no route, or broke.',
    remedy: 'Check the network, any firewall, and the address in HTTPS_PROXY or `mirror`.',
  },
  MP316: {
    title: 'a publisher’s certificate is not trusted',
    blame: 'environment',
    meaning:
      'TLS failed. Usually a company gateway presents a certificate from its own authority, which Node.js does ' +
      'not know.',
    remedy:
      'Set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of that authority. Docker needs it too, in ' +
      'the system’s certificate store.',
  },
  MP317: {
    title: 'a publisher does not answer in time',
    blame: 'environment',
    meaning: 'The connection or the answer took longer than the few seconds that each request may take.',
    remedy: 'Try again. Behind a proxy, set HTTPS_PROXY. A firewall that drops packets looks the same.',
  },
  MP318: {
    title: 'a publisher is busy',
    blame: 'environment',
    meaning:
      'The publisher answered 429 or 5xx to every attempt. The download tries again later, and more often, so ' +
      'this is only a warning.',
    remedy: 'If it persists: Docker Hub allows more after `docker login`, and your own mirror has no limit.',
  },
  MP319: {
    title: 'Docker pulls without the proxy',
    blame: 'environment',
    meaning:
      'HTTPS_PROXY is set for meshproof, but the Docker daemon pulls the images, and it has no proxy of its ' +
      'own. This is a warning: the registry may be reachable without a proxy.',
    remedy: 'If pulls fail, configure a proxy for the daemon: https://docs.docker.com/engine/daemon/proxy/.',
  },
  MP320: {
    title: 'program for another platform',
    blame: 'environment',
    meaning: 'A downloaded program is for another operating system or another processor than this machine has.',
    remedy: 'If it came from a mirror, put the right file there. meshproof kept nothing.',
  },
  // MP4xx: the lab
  MP401: {
    title: 'the private Docker daemon did not start',
    blame: 'environment',
    meaning: 'meshproof started dockerd in the lab’s network namespace, but it did not answer in time.',
    remedy:
      'Read its log, which the message names. Usual causes: no overlay file system, or no permission to create ' +
      'namespaces.',
  },
  MP402: {
    title: 'the lab’s network could not be created',
    blame: 'environment',
    meaning: 'The system refused to create the network namespace or to set its addresses.',
    remedy: 'Run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, or provide a Docker daemon.',
  },
  MP403: {
    title: 'the private Docker daemon does not answer',
    blame: 'environment',
    meaning:
      'The lab’s dockerd is alive, but has not answered for a minute or two. A run during which this happens ' +
      'has no verdict. meshproof kills or replaces the daemon only if nobody else uses it.',
    remedy:
      'Check whether it was stopped (`ps -o stat`, SIGCONT wakes it) or the machine is out of memory. Stop the ' +
      'runs that use it, then run `meshproof down`.',
  },
  MP404: {
    title: 'the lab is in use',
    blame: 'environment',
    meaning:
      'One private Docker daemon serves the whole machine. Somebody else uses it with another cache folder, or ' +
      'uses it while its data was about to be removed.',
    remedy: 'Wait for the runs that the message names, or remove the environments that it names with `meshproof down`.',
  },
  MP405: {
    title: 'the private Docker daemon died during the run',
    blame: 'environment',
    meaning:
      'The lab’s dockerd ended during the run: it crashed, or somebody killed it. What the scenarios saw after ' +
      'that is not reliable, so the run has no verdict. meshproof still removed what the run created.',
    remedy:
      'Read the end of its log (`logs/dockerd.log` in the cache), and run again. The usual cause is that the ' +
      'machine ran out of memory.',
  },
  // MP5xx: clusters
  MP501: {
    title: 'cluster name in use',
    blame: 'environment',
    meaning:
      'A kind cluster with this name exists and does not belong to this environment. meshproof never touches it.',
    remedy:
      'Choose another `name` in meshproof.yaml. If the cluster is left over from a killed run, `meshproof ' +
      'down` removes it.',
  },
  MP502: {
    title: 'address range in use',
    blame: 'environment',
    meaning:
      'The LoadBalancer address pool overlaps another pool or a container’s address, is outside the clusters’ ' +
      'network, or contains an address where something already answers, such as another cluster’s load ' +
      'balancer.',
    remedy:
      'Remove `addressPools` from the config to let meshproof compute the ranges, or choose ranges that the ' +
      'message shows as free.',
  },
  MP503: {
    title: 'cluster could not be created',
    blame: 'environment',
    meaning: '`kind create cluster` failed. The node’s logs were exported before the cleanup.',
    remedy: 'Read the log named in the message. Usual causes: inotify limits, memory, cgroup setup.',
  },
  MP504: {
    title: 'cluster does not answer',
    blame: 'environment',
    meaning: 'The API server of a kubeconfig context did not answer, or refused the credentials.',
    remedy:
      'Try `kubectl --context <name> version`. Check the VPN, the proxy, and whether the credentials have expired.',
  },
  MP505: {
    title: 'object was rejected',
    blame: 'environment',
    meaning: 'The API server (or an admission webhook) rejected an object that meshproof applied.',
    remedy: 'The message contains the server’s own error and the name of the object.',
  },
  MP506: {
    title: 'LoadBalancer address not reachable',
    blame: 'environment',
    meaning: 'A gateway has an address, but the peer cluster cannot reach it, so no cross-cluster call can work.',
    remedy: 'Check that both clusters share a network, that the pools are inside it, and that MetalLB’s speaker runs.',
  },
  MP507: {
    title: 'object belongs to somebody else',
    blame: 'environment',
    meaning:
      'On your own clusters, meshproof writes only to objects that carry its label and the ID of this ' +
      'environment. An object that it needs already exists without them. meshproof left it alone, and sent ' +
      'nothing.',
    remedy:
      'The message names who created it. Use clusters that do not have the namespaces of the walkthrough (foo, ' +
      'bar, ha, legacy, cleanup-foo, cleanup-bar). To remove what another environment of meshproof left, run ' +
      '`meshproof down` with its config.',
  },
  MP508: {
    title: 'the first write was not confirmed',
    blame: 'usage',
    meaning:
      'meshproof writes to clusters that it did not create only after somebody agrees: at the prompt before ' +
      'the first write, or in advance with `--yes`.',
    remedy:
      'Run with `--dry-run` to see what would be written and where. Then answer yes, or pass `--yes` where ' +
      'nobody can answer.',
  },
  MP509: {
    title: 'not allowed on your own clusters',
    blame: 'usage',
    meaning:
      'The command installs, kills or removes control planes. It does that to clusters that meshproof creates, ' +
      'never to those of `provider: existing`.',
    remedy: 'Use `provider: kind`.',
  },
  MP510: {
    title: 'namespace contains objects of somebody else',
    blame: 'environment',
    meaning:
      'A namespace that meshproof created on your cluster contains objects that meshproof did not create, or ' +
      'kinds that you may not list. Deleting the namespace would delete them too, so it stays. meshproof ' +
      'removes its own objects from it.',
    remedy: 'Move what the message lists to another namespace, then run `meshproof down` again.',
  },
  // MP6xx: the mesh
  MP601: {
    title: 'sample certificates refused',
    blame: 'usage',
    meaning: 'The given CA is Istio’s published sample (samples/certs). Everybody knows its private key.',
    remedy:
      'Use your own CA, or leave `pki` out to have one created. For a demonstration, allow the sample ' +
      'explicitly: `pki: {allowSampleCertificates: true}`.',
  },
  MP602: {
    title: 'CA expired or not yet valid',
    blame: 'usage',
    meaning: 'A certificate in the chain that would sign the workload certificates is outside its validity period.',
    remedy: 'Issue a new intermediate from the shared root.',
  },
  MP603: {
    title: 'CA does not match',
    blame: 'usage',
    meaning:
      'The private key, intermediate, chain and root do not belong together, or the clusters do not share one root.',
    remedy:
      'The message names the pair that does not match. Compare them with `openssl verify -CAfile root-cert.pem ' +
      'ca-cert.pem`.',
  },
  MP604: {
    title: 'control plane not ready',
    blame: 'environment',
    meaning: 'istiod or a gateway did not become ready before its deadline.',
    remedy: 'The message contains the pod’s last status. Its logs are in the evidence folder of the run.',
  },
  MP605: {
    title: 'Istio manifests could not be rendered',
    blame: 'environment',
    meaning: '`istioctl manifest generate` rejected the IstioOperator that meshproof generated.',
    remedy: 'The message contains istioctl’s own error.',
  },
  MP606: {
    title: 'unusable address for a service',
    blame: 'usage',
    meaning:
      'A `.global` service needs an address that a sidecar can capture. Multicast (224.0.0.0/4) is not routed. ' +
      'Loopback (127.0.0.0/8) may end at one of the sidecar’s own listeners.',
    remedy: 'Use an address from 240.0.0.0/4 that no other service of the cluster has.',
  },
  MP607: {
    title: 'two services share an address',
    blame: 'usage',
    meaning:
      'Within one cluster, each `.global` service needs its own address. If two TCP services share an address ' +
      'and a port, only the older one gets a listener.',
    remedy: 'Give one of them another address from 240.0.0.0/4.',
  },
  MP608: {
    title: 'port name and protocol disagree',
    blame: 'usage',
    meaning:
      'Istio reads the protocol of a port from its declaration or from the prefix of its name (`http-web`, ' +
      '`tcp-db`). A wrong protocol turns HTTP routing off, or breaks plain TCP.',
    remedy: 'Start the name with the protocol that the service speaks.',
  },
  MP609: {
    title: 'no address left',
    blame: 'usage',
    meaning: 'The range that provides addresses for `.global` services has no free address.',
    remedy: 'Set a wider range with --range, inside 240.0.0.0/4.',
  },
  MP610: {
    title: 'nothing to export',
    blame: 'usage',
    meaning:
      'A namespace that you gave to `services export` is in no cluster, or the whole export is empty and would ' +
      'delete everything that it applied before.',
    remedy: 'Correct --namespaces. The message names the closest matches.',
  },
  MP611: {
    title: 'the control planes cannot be connected',
    blame: 'environment',
    meaning:
      'In a mesh whose control planes read each other’s clusters, the remote secret of one of them could not ' +
      'be created. The message contains istioctl’s own error.',
    remedy:
      'Check whether the API server answers at its node’s address from the other clusters, and whether ' +
      'istio-reader-service-account is in istio-system.',
  },
  // MP7xx: waiting and probing
  MP701: {
    title: 'condition not met in time',
    blame: 'environment',
    meaning:
      'meshproof polled a named condition until its deadline, and it never held. The message shows what was last seen.',
    remedy: 'Look at what was last seen and at the evidence of that hop.',
  },
  MP716: {
    title: 'no answer while waiting',
    blame: 'environment',
    meaning:
      'meshproof polled a condition, and the last check did not return before the deadline. Whether the ' +
      'condition holds is unknown, so this says nothing about the mesh.',
    remedy: 'Check whether the API server, and the pod that the message names, answer at all.',
  },
  MP702: {
    title: 'probe could not run',
    blame: 'environment',
    meaning: 'A probe (curl in a pod, a config dump) could not run at all, so it says nothing about the mesh.',
    remedy: 'Check that the pod named in the message runs.',
  },
  MP703: {
    title: 'config dump not understood',
    blame: 'environment',
    meaning: 'Envoy’s config dump lacks a field that the typed model requires, or a field has another type.',
    remedy: 'The dump is kept as evidence. Please report it together with the Envoy version.',
  },
  MP704: {
    title: 'configuration rejected by a proxy',
    blame: 'mesh',
    meaning: 'A proxy answered an xDS push with a NACK: it keeps the old configuration.',
    remedy: 'The message contains Envoy’s own error. istiod’s log has the same error.',
  },
  MP705: {
    title: 'claim left unproven',
    blame: 'mesh',
    meaning: 'A scenario declared a claim, but ended without proving or refuting it.',
    remedy: 'Call claim(name, …) for each declared claim, or remove the claim from the declaration.',
  },
  MP717: {
    title: 'proof without an assertion',
    blame: 'mesh',
    meaning: 'A proof ended without asserting anything, for example because the list that it goes through was empty.',
    remedy: 'Assert how many items there are before you assert what each of them is.',
  },
  MP718: {
    title: 'a cause could not be proven',
    blame: 'mesh',
    meaning:
      'To prove a cause, `run --prove` restores the suspect to what it was when the mesh was ready, and ' +
      'afterwards puts the change back in. The API server did not accept one of these.',
    remedy:
      'Read the error of the API server. The object named in the message may not be as it was found: compare ' +
      'it with the report.',
  },
  MP706: {
    title: 'walkthrough step not played',
    blame: 'mesh',
    meaning:
      'A scenario says that one of its steps carries out a command of the walkthrough, but it ended without ' +
      'playing a step with that key.',
    remedy: 'Use the same keys in `walkthrough` and in `step(…)`.',
  },
  MP719: {
    title: 'invalid key of a claim or a step',
    blame: 'mesh',
    meaning:
      'Keys identify claims and steps, and stay the same when a sentence is reworded. A scenario has an ' +
      'invalid key, uses the same key twice, or proves a claim that it does not declare.',
    remedy:
      'Give each claim and each step of the scenario its own key, in lower case with dashes: `claims: { ' +
      "'call-succeeds': 'the call succeeds' }`, `step('deploy', 'deploy sleep', …)`.",
  },
  MP708: {
    title: 'not possible on this provider',
    blame: 'environment',
    meaning:
      'A claim needs something that the provider does not offer, such as a container on the clusters’ network. ' +
      'The claim is reported as not supported.',
    remedy: 'Run it with the provider kind.',
  },
  MP709: {
    title: 'command not in the walkthrough',
    blame: 'usage',
    meaning:
      'A scenario says that it carries out a command of the walkthrough, but the page does not have that command.',
    remedy: '`meshproof walkthrough --coverage` lists the commands by name.',
  },
  MP710: {
    title: 'no run to show',
    blame: 'usage',
    meaning: 'You asked for a report, but there is no run to create it from.',
    remedy: 'Run `meshproof run` first, or name the folder of a run.',
  },
  MP711: {
    title: 'nothing to probe',
    blame: 'usage',
    meaning: 'The pod, cluster or dump that you named for a probe does not exist.',
    remedy: 'The message names the closest matches. `meshproof status` shows the clusters.',
  },
  MP712: {
    title: 'a report could not be created',
    blame: 'environment',
    meaning: 'meshproof could not create a report of a finished run. This does not affect the verdict or run.json.',
    remedy: 'The message contains the tool’s own error.',
  },
  MP713: {
    title: 'evidence does not have the answer',
    blame: 'usage',
    meaning:
      'A replay computes verdicts from what a run saw. This run left no such evidence, part of it is gone, or ' +
      'the scenario now asks something that the run never asked.',
    remedy:
      'Replay with the version of meshproof (and of the scenario) that recorded the run, or play the scenario again.',
  },
  MP714: {
    title: 'replay differs from the run',
    blame: 'mesh',
    meaning:
      'Computed again from the evidence, a claim has another verdict, reason or diagnosis than in run.json: ' +
      'either the evidence or the claim was changed.',
    remedy:
      'The message names each claim with both verdicts. After you change a scenario, this is what the replay is for.',
  },
  MP715: {
    title: 'scenario writes something that it did not declare',
    blame: 'mesh',
    meaning:
      'On your own clusters, a scenario applies only the namespaces, kinds and hosts that its `needs` name, ' +
      'because these are what you agreed to. Nothing was sent.',
    remedy: 'Add what the message names to the scenario’s `needs`.',
  },
  MP720: {
    title: 'run folder points outside itself',
    blame: 'usage',
    meaning:
      'A run folder names a file, or contains a link, that is outside the folder. No run writes such a folder: ' +
      'somebody changed it, or made it by hand. meshproof read and wrote nothing outside the folder.',
    remedy: 'Use the folder as the run wrote it, or an archive made with `meshproof report --archive`.',
  },
  MP721: {
    title: 'file in a run folder is too large',
    blame: 'usage',
    meaning:
      'A run folder contains a file that is larger than any file that a run writes, so meshproof did not read it.',
    remedy: 'Check what the file is. The message gives its name and its size.',
  },
  MP722: {
    title: 'archive refused',
    blame: 'usage',
    meaning:
      'An archive contains links, devices, paths that lead out of it or more data than any run writes, or it ' +
      'is truncated. meshproof used nothing from it.',
    remedy:
      'Ask for an archive made with `meshproof report --archive`, and compare its SHA-256 digest with the one ' +
      'that you were given.',
  },
  MP723: {
    title: 'runs do not belong together',
    blame: 'usage',
    meaning:
      'Runs that you merge must be parts of one run: the same mesh, Kubernetes and clusters, the same number ' +
      'of shards, and no scenario twice. Nothing was written.',
    remedy: 'Name the folders of the runs of one matrix, each once.',
  },
  MP724: {
    title: 'shard missing',
    blame: 'environment',
    meaning:
      'One of the shards of a run left no result, or did not end. The report contains what the others found, ' +
      'but there is no overall verdict.',
    remedy: 'Find out why that shard left nothing, run it again, and merge again.',
  },
  MP725: {
    title: 'run of an earlier version',
    blame: 'usage',
    meaning:
      'The run was recorded before claims and steps had keys. Its reports stay as they are. It cannot be ' +
      'compared, replayed, merged or reported again, because nobody can tell what its sentences mean today.',
    remedy: 'Use the version of meshproof that recorded the run, or play it again.',
  },
  // MP8xx: diagnoses of a broken path, by its first broken hop
  MP801: {
    title: 'the proxy does not have the change',
    blame: 'mesh',
    meaning: 'Something that a scenario waited for never appeared in the configuration of the proxy.',
    remedy:
      'Check whether the object was applied in a namespace that the proxy imports, and what istiod’s log says ' +
      'about the proxy.',
  },
  MP802: {
    title: 'the sidecar has no listener for the service',
    blame: 'mesh',
    meaning:
      'The client’s sidecar does not take connections to the service’s address and port, so calls pass by it ' +
      'unseen, or fail.',
    remedy:
      'Check that the ServiceEntry is visible in the client’s namespace (exportTo, Sidecar resources), and ' +
      'that its port and address are the ones that the client calls.',
  },
  MP803: {
    title: 'no route to the service',
    blame: 'mesh',
    meaning: 'The sidecar takes the call, but its route configuration sends it elsewhere.',
    remedy: 'Check that the Host header is one of the ServiceEntry’s hosts, and which VirtualService claims it.',
  },
  MP804: {
    title: 'the sidecar has no cluster for the service',
    blame: 'mesh',
    meaning: 'A route names a cluster that the sidecar does not have.',
    remedy:
      'The usual reason is a subset that no DestinationRule defines. See `meshproof probe <pod> --only clusters`.',
  },
  MP805: {
    title: 'the sidecar does not originate the mutual TLS that the gateway expects',
    blame: 'mesh',
    meaning:
      'The east-west gateway routes by the SNI of mutual TLS. Without an SNI, or with another name, nothing matches.',
    remedy:
      'Add a DestinationRule for the host with tls mode ISTIO_MUTUAL, or the label security.istio.io/tlsMode: ' +
      'istio on the endpoint.',
  },
  MP806: {
    title: 'the endpoint is missing or wrong',
    blame: 'mesh',
    meaning: 'The cluster in the sidecar does not lead where the ServiceEntry should make it lead.',
    remedy:
      'Compare the ServiceEntry’s endpoints, ports and network with the gateway’s address. Check the proxy’s ' +
      'network view.',
  },
  MP807: {
    title: 'the gateway does not listen on 15443',
    blame: 'mesh',
    meaning: 'No Gateway resource gives this gateway a listener for traffic between clusters.',
    remedy: 'Add a Gateway with port 15443 and tls mode AUTO_PASSTHROUGH, whose selector matches the gateway’s pods.',
  },
  MP808: {
    title: 'the gateway does not know this SNI',
    blame: 'mesh',
    meaning:
      'The gateway has no filter chain for the server name, so it closes the connection: clients see 503 or a reset.',
    remedy:
      'Declare the .global host in the receiving cluster (ServiceEntry with workloadSelector), and make sure ' +
      'that the Gateway’s hosts cover it.',
  },
  MP809: {
    title: 'no endpoint behind the gateway’s cluster',
    blame: 'mesh',
    meaning: 'The gateway knows the SNI, but has no endpoint for it that is a member of the mesh.',
    remedy:
      'Check that pods match the workloadSelector and have a sidecar. Endpoints need the label ' +
      'security.istio.io/tlsMode: istio.',
  },
  MP810: {
    title: 'the gateway leads to another endpoint',
    blame: 'mesh',
    meaning: 'The gateway’s cluster for the SNI has endpoints, but not the one that it should have.',
    remedy: 'Compare the labels of subsets and pods, and check the health of the endpoints.',
  },
  MP811: {
    title: 'the name does not resolve',
    blame: 'mesh',
    meaning:
      'The client never called: its resolver has no address for the host. `.global` names come from the ' +
      'sidecar’s DNS capture, or from a stub domain of the cluster’s DNS.',
    remedy:
      'Check that a ServiceEntry with the host and an address is visible in the client’s namespace, and that ' +
      'ISTIO_META_DNS_CAPTURE is on. For pods without a sidecar, check that the stub domain exists.',
  },
  MP812: {
    title: 'an authorization policy denies the call',
    blame: 'mesh',
    meaning:
      'The call arrived with its identity, but an AuthorizationPolicy made the server’s proxy (or a gateway’s) ' +
      'deny it.',
    remedy:
      'List the AuthorizationPolicies in the server’s namespace and in istio-system. Principals of the other ' +
      'cluster have the same trust domain.',
  },
  MP813: {
    title: 'the TLS handshake fails',
    blame: 'mesh',
    meaning:
      'Two proxies found each other, but did not trust each other: another root, an expired certificate, or an ' +
      'identity that is not among the accepted ones.',
    remedy:
      'Compare both ends with `meshproof probe <pod> --only secrets`: the ROOTCA fingerprints must be the ' +
      'same, and the chains must lead to that root.',
  },
  MP814: {
    title: 'a fault was injected on purpose',
    blame: 'mesh',
    meaning: 'A VirtualService tells the client’s sidecar to abort or delay calls.',
    remedy: 'Look for `fault:` in the VirtualServices that are visible in the client’s namespace.',
  },
  MP815: {
    title: 'the next hop does not answer',
    blame: 'mesh',
    meaning:
      'The configuration leads somewhere, but nothing there takes the connection: no healthy endpoint, a ' +
      'closed port, or a gateway that resets it.',
    remedy:
      'Check that the client’s node can reach the endpoint, that 15443 is open between the networks, and that ' +
      'the peer’s gateway knows the SNI (`meshproof diagnose`).',
  },
  // MP82x: causes, by the layer that a call stands on
  MP820: {
    title: 'the machine or the network blocks packets',
    blame: 'environment',
    meaning:
      'A packet rule, a queue, a link, a route or a node below the clusters is not as it was when the mesh was ' +
      'proven ready.',
    remedy: 'Check the node that is named: iptables-save, tc qdisc show, ip route, ip neigh, and its kubelet.',
  },
  MP821: {
    title: 'pods that the path needs are missing or not ready',
    blame: 'environment',
    meaning: 'A workload is scaled to zero, cannot start, cannot get its image, or started without its sidecar.',
    remedy: '`kubectl describe` of the workload and of its pods shows why. Events are part of the run’s evidence.',
  },
  MP822: {
    title: 'the control plane does not do its work',
    blame: 'mesh',
    meaning:
      'istiod has no ready pod, sends configuration that proxies reject, or is blocked by roles, webhooks or ' +
      'its own configuration.',
    remedy: 'Check istiod’s log, its Deployment, and the webhooks that the API server calls.',
  },
  MP823: {
    title: 'a name or an address does not lead where it should',
    blame: 'environment',
    meaning:
      'A Service selects other pods or offers other ports, a load balancer assigns no address, or the ' +
      'cluster’s DNS does not answer.',
    remedy: 'Compare the Service’s ports, selector and address with the pods behind it, and check the address pools.',
  },
  MP824: {
    title: 'proxies do not trust each other',
    blame: 'mesh',
    meaning:
      'The clusters have different roots, different trust domains, or certificates outside their validity ' +
      'period, so handshakes between them fail.',
    remedy: 'Compare roots and issuers with `meshproof probe <pod> --only secrets` in both clusters.',
  },
  MP825: {
    title: 'an Istio object changes what happens to the call',
    blame: 'mesh',
    meaning:
      'An Istio object refuses, hides, redirects or changes the call. The cause names the object and the field ' +
      'that does it.',
    remedy: 'Check the object that is named, and who owns it. `istioctl analyze` may say more about it.',
  },
  MP826: {
    title: 'the workload itself does not serve',
    blame: 'mesh',
    meaning: 'The path leads to the workload, but its pods do not run, are not ready, or answer with an error.',
    remedy: 'Check the workload’s pods and their logs.',
  },
  // MP9xx: interruption
  MP901: {
    title: 'interrupted',
    blame: 'environment',
    meaning: 'A signal stopped the run. The evidence collected so far is kept.',
    remedy: '`meshproof status` shows what is still there. `meshproof down` removes it.',
  },
  MP902: {
    title: 'the run was killed',
    blame: 'environment',
    meaning:
      'The process of a run ended without a message: kill -9, the end of a session, or a machine that went ' +
      'down. The next command that found its record closed it.',
    remedy: '`meshproof status` shows what is still there. `meshproof down` removes it.',
  },
  MP903: {
    title: 'a fault could not be injected or removed',
    blame: 'environment',
    meaning:
      'meshproof injects faults only into kept environments that it created, with the environment’s own ' +
      'kubectl and docker.',
    remedy:
      '`meshproof status` shows whether the environment is intact. `meshproof down` and `meshproof up` create ' +
      'a fresh one.',
  },
  MP905: {
    title: 'a bench run did not pass',
    blame: 'mesh',
    meaning: 'A bench compares the times of runs that pass. One run did not pass, so the bench ended with it.',
    remedy: 'Look at its report. When it passes again, start the bench again.',
  },
  MP999: {
    title: 'internal error',
    blame: 'environment',
    meaning: 'Something happened in meshproof that its authors did not foresee.',
    remedy: 'Please report it with the archive of the run (`meshproof report --archive`).',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** True for a code that the catalogue lists. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
