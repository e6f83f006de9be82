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
    meaning: '`--only` (or a config file) names a scenario id that no file in scenarios/ has.',
    remedy: 'Run `meshproof list` for the ids; several are separated by commas.',
  },
  MP102: {
    title: 'broken configuration',
    blame: 'usage',
    meaning: 'The config file has a key meshproof does not know, a value of the wrong type, or is not valid YAML.',
    remedy: 'Correct the key named in the message; docs/configuration.md lists all keys with their defaults.',
  },
  MP103: {
    title: 'bad option',
    blame: 'usage',
    meaning: 'A command line option is unknown, lacks its value, or contradicts another.',
    remedy: 'Run the command with --help.',
  },
  MP104: {
    title: 'unknown error code',
    blame: 'usage',
    meaning: '`meshproof explain` was asked for a code that is not in the catalogue.',
    remedy: 'Run `meshproof explain` without a code for the whole list.',
  },
  MP105: {
    title: 'nothing to reuse',
    blame: 'usage',
    meaning:
      '`--reuse` was asked for but no kept environment was found, it no longer answers, or it is not the one ' +
      'that is configured: another provider, other clusters or contexts, another build.',
    remedy: 'Bring one up with `meshproof up`, or run without --reuse.',
  },
  MP106: {
    title: 'not inside the lab',
    blame: 'usage',
    meaning: 'The kept environment lives in the lab’s network namespace and this process is outside of it.',
    remedy:
      'Prefix the command with `npx meshproof exec --`, for example `npx meshproof exec -- npx vitest ' +
      '--project conformance`.',
  },
  MP107: {
    title: 'no such program',
    blame: 'usage',
    meaning:
      '`exec` was asked for a program that is neither one of the environment (kubectl, istioctl, kind, ' +
      'docker) nor on the PATH, or that cannot be started.',
    remedy:
      'Check its name. A program of the environment that has left the cache is made again by `npx meshproof prepare`.',
  },
  MP108: {
    title: 'not a scenario file',
    blame: 'usage',
    meaning:
      'A file that `scenarios` of the config lists does not load, does not export a scenario of its own name, ' +
      'or shares its id with another; or a pattern finds no file. The id of a scenario is its path below the ' +
      'first folder without a wildcard, without `.scenario.ts`.',
    remedy:
      'Export `scenario({ id, … })` as the default of the file, with the id that the message names. ' +
      '`meshproof list` loads every file and says what it is.',
  },
  MP109: {
    title: 'the repository cannot be laid out',
    blame: 'usage',
    meaning:
      '`meshproof init` cannot write a file: the folder is read-only, or a file stands where a folder has to be.',
    remedy: 'Name another folder, `meshproof init <folder>`. What is there already is never overwritten.',
  },
  // MP2xx: the machine
  MP201: {
    title: 'no container engine',
    blame: 'environment',
    meaning:
      'There is no usable Docker daemon, and meshproof may not start its private one (that needs root on Linux).',
    remedy:
      'Start Docker, or run as root on Debian: meshproof then runs a private daemon in a network namespace of its own.',
  },
  MP202: {
    title: 'not enough disk',
    blame: 'environment',
    meaning: 'The free space under the cache is below what the components still to be built, and two clusters, need.',
    remedy: 'Free space, or point MESHPROOF_CACHE at a larger file system. Nothing was started.',
  },
  MP203: {
    title: 'missing host tool',
    blame: 'environment',
    meaning: 'A program that meshproof calls is not on this machine.',
    remedy: 'Install it as the message says; `meshproof doctor` lists all of them at once.',
  },
  MP204: {
    title: 'another meshproof is at work',
    blame: 'environment',
    meaning: 'A live meshproof process holds the environment or the cache entry that this command needs.',
    remedy:
      'Wait for it, or stop the process that the message names. What a killed process held is free at once; ' +
      'what one on another machine, or in another container, held is free ten seconds after its last sign of ' +
      'life.',
  },
  MP205: {
    title: 'no permission on the Docker socket',
    blame: 'environment',
    meaning: 'A Docker daemon is there, and this user may not speak to it. The message holds docker’s own words.',
    remedy:
      'Join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or use ' +
      'rootless Docker.',
  },
  MP206: {
    title: 'Docker does not answer',
    blame: 'environment',
    meaning:
      'A Docker daemon is there and says nothing within the deadline: it is stopped, still starting, or ' +
      'stuck. That is not the same as a machine without Docker, so nothing else is used instead.',
    remedy:
      'Start Docker again and wait until `docker version` answers. To leave it alone as root on Debian, set ' +
      '`engine: lab` in meshproof.yaml.',
  },
  MP207: {
    title: 'this container engine is not supported',
    blame: 'environment',
    meaning:
      'The `docker` program belongs to another engine (podman, nerdctl), or its daemon is one, or it runs ' +
      'Windows containers. The node images are baked with Docker’s own commands, which those do differently.',
    remedy:
      'Install Docker, or choose another context or DOCKER_HOST. To leave it alone as root on Debian, set ' +
      '`engine: lab` in meshproof.yaml.',
  },
  MP208: {
    title: 'this platform is not supported',
    blame: 'environment',
    meaning:
      'meshproof runs on Linux and on macOS, amd64 or arm64; components can be compiled from source packages ' +
      'on Linux only, since the clusters’ nodes run what was compiled.',
    remedy: 'On Windows use WSL2. On macOS use Docker Desktop, Colima or the like, with the toolchain `release`.',
  },
  MP209: {
    title: 'the Docker daemon is on another machine',
    blame: 'environment',
    meaning:
      'The docker context, or DOCKER_HOST, leads to a remote daemon. kind publishes the clusters’ API servers ' +
      'on that machine’s loopback address, which cannot be reached from here.',
    remedy: 'Run meshproof on that machine, or choose a local context: `docker context use default`.',
  },
  MP210: {
    title: 'control groups do not fit',
    blame: 'environment',
    meaning:
      'The nodes need control groups that this Docker does not offer: Kubernetes 1.35 and newer refuses ' +
      'version 1; rootless Docker needs version 2 with the controllers cpu, memory and pids delegated.',
    remedy:
      'Take Kubernetes 1.34 (`--kubernetes`), or boot with `systemd.unified_cgroup_hierarchy=1`; for rootless ' +
      'Docker see https://kind.sigs.k8s.io/docs/user/rootless/.',
  },
  MP211: {
    title: 'not enough disk for Docker',
    blame: 'environment',
    meaning:
      'The file system of Docker’s data root has less room than the images that are still to be pulled or ' +
      'made, and two clusters, need.',
    remedy: 'Free space there (`docker system df` says what takes it), or move the data root. Nothing was started.',
  },
  MP212: {
    title: 'inotify limits too small',
    blame: 'environment',
    meaning:
      'Every node runs a whole Kubernetes that watches files. With too few inotify instances or watches, pods ' +
      'fail with "too many open files" in the middle of a run. The limits belong to the whole machine, so ' +
      'meshproof does not raise them by itself.',
    remedy: 'sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288',
  },
  MP220: {
    title: 'no space left',
    blame: 'environment',
    meaning:
      'A file system is full, or a quota is used up, so a file could not be written: a record, evidence, or ' +
      'something in the cache. A run whose record is not whole comes to no verdict; what it made is still ' +
      'taken down.',
    remedy: 'Free space where the message says, or point `reports` or MESHPROOF_CACHE at a larger file system.',
  },
  MP221: {
    title: 'not allowed by the operating system',
    blame: 'environment',
    meaning:
      'A file could not be read or written: its permissions, or a file system that is mounted read-only. A ' +
      'run whose record is not whole comes to no verdict; what it made is still taken down.',
    remedy: 'See who owns what the message names (`ls -ld`), and whether it is mounted read-only (`findmnt -T`).',
  },
  MP222: {
    title: 'too many open files',
    blame: 'environment',
    meaning: 'This process, or the whole machine, may not open any more files.',
    remedy: 'Raise the limit (`ulimit -n 4096`), or end what holds so many files open.',
  },
  // MP3xx: the toolchain
  MP301: {
    title: 'component could not be built',
    blame: 'environment',
    meaning:
      'Building a component from its source package failed. What was compiled so far is kept, the next try ' +
      'goes on from there.',
    remedy:
      'Read the log named in the message; package registries must be reachable through the usual clients (go, ' +
      'pip, apt).',
  },
  MP302: {
    title: 'component could not be fetched',
    blame: 'environment',
    meaning: 'A release file or image could not be downloaded. No half-written file is left in the cache.',
    remedy: 'Check the network, or use `--toolchain source` to build from source packages.',
  },
  MP303: {
    title: 'checksum does not match',
    blame: 'environment',
    meaning:
      'A downloaded file is not the one that the manifest, or the publisher’s checksum file, names. It was discarded.',
    remedy: 'Try again; if it stays, something between you and the publisher changes files.',
  },
  MP304: {
    title: 'image could not be assembled',
    blame: 'environment',
    meaning: 'A container image or the node image could not be put together from the components.',
    remedy: 'Read the log named in the message; `meshproof down --all` starts the private daemon afresh.',
  },
  MP305: {
    title: 'this mesh or Kubernetes cannot be had here',
    blame: 'usage',
    meaning:
      '`--mesh` or `--kubernetes` names something that the chosen edition of the toolchain cannot give: a ' +
      'folder that is no checkout of Istio, a release where only source packages are reached, a commit where ' +
      'only releases are taken.',
    remedy:
      'See the message for what can be had; `meshproof doctor` with the same options says what would be built ' +
      'or fetched.',
  },
  MP306: {
    title: 'a mirror is not to be trusted with this',
    blame: 'usage',
    meaning:
      'A mirror is configured, and no SHA-256 is known for a file or an image that would be taken from it. A ' +
      'mirror that brings a wrong file together with the checksum to it would not be noticed, so it is ' +
      'refused.',
    remedy:
      'Choose a version of `meshproof list --published`, or give the publisher’s SHA-256 under `mirror.pins` ' +
      'in meshproof.yaml.',
  },
  MP310: {
    title: 'file is not published',
    blame: 'environment',
    meaning: 'The publisher (or the mirror) answers, and has no such file: the version does not exist there.',
    remedy: 'Choose a version that was published, or add the file to your mirror.',
  },
  MP311: {
    title: 'image is not published',
    blame: 'environment',
    meaning: 'The registry (or the mirror) answers, and has no such tag or digest.',
    remedy: 'Choose one of the tags that the message names, or copy the image to your mirror.',
  },
  MP312: {
    title: 'the proxy asks for a login',
    blame: 'environment',
    meaning: 'The proxy that HTTP_PROXY or HTTPS_PROXY names answered 407: it wants a user and a password.',
    remedy:
      'Put them into the variable, special characters percent-encoded: http://user:password@proxy:3128. Hosts ' +
      'that need no proxy belong in NO_PROXY.',
  },
  MP313: {
    title: 'a publisher asks for a login',
    blame: 'environment',
    meaning:
      'A registry refuses anonymous access and the login that docker has (or a server of files answered 401 ' +
      'or 403). Registries say the same of a repository that they do not have.',
    remedy: 'Check the name; then `docker login <registry>`, or use a mirror that gives access.',
  },
  MP314: {
    title: 'a publisher’s name cannot be resolved',
    blame: 'environment',
    meaning: 'No name server knows the publisher’s host, or none answers: this machine has no network, or no way out.',
    remedy: 'Check the network and DNS. Behind a proxy set HTTPS_PROXY; for your own copy set `mirror`.',
  },
  MP315: {
    title: 'a publisher cannot be reached',
    blame: 'environment',
    meaning: 'The connection to the publisher, to its mirror or to the proxy was refused, had no route, or broke off.',
    remedy: 'Check the network, a firewall, and the address in HTTPS_PROXY or `mirror`.',
  },
  MP316: {
    title: 'a publisher’s certificate is not trusted',
    blame: 'environment',
    meaning:
      'TLS failed. Usually a company’s gateway shows a certificate of its own authority, which Node.js does not know.',
    remedy:
      'Set NODE_EXTRA_CA_CERTS to a file with that authority’s certificate (PEM); Docker needs it as well, in ' +
      'the system’s store.',
  },
  MP317: {
    title: 'a publisher does not answer in time',
    blame: 'environment',
    meaning: 'The connection or the answer took longer than the few seconds that a question gets.',
    remedy: 'Try again. Behind a proxy set HTTPS_PROXY; a firewall that drops packets looks like this as well.',
  },
  MP318: {
    title: 'a publisher is busy',
    blame: 'environment',
    meaning:
      'The publisher answered 429 or 5xx to every try. Fetching tries again, later and more often, so this is ' +
      'a warning only.',
    remedy: 'If it stays: Docker Hub gives more to those who `docker login`; a mirror of your own has no limit.',
  },
  MP319: {
    title: 'Docker pulls without the proxy',
    blame: 'environment',
    meaning:
      'HTTPS_PROXY is set for meshproof, but images are pulled by the Docker daemon, which has no proxy of ' +
      'its own. This is a warning: the registry may be in reach without one.',
    remedy: 'If pulls fail, give the daemon its proxy: https://docs.docker.com/engine/daemon/proxy/.',
  },
  MP320: {
    title: 'program for another platform',
    blame: 'environment',
    meaning: 'A fetched program is for another operating system or another processor than this machine’s.',
    remedy: 'If it came from a mirror, put the right file there; nothing was kept.',
  },
  // MP4xx: the lab
  MP401: {
    title: 'the private Docker daemon did not start',
    blame: 'environment',
    meaning: 'dockerd was started in the lab’s network namespace but did not answer in time.',
    remedy:
      'Read its log, named in the message. Usual causes: no overlay file system, or no right to create namespaces.',
  },
  MP402: {
    title: 'the lab’s network could not be made',
    blame: 'environment',
    meaning: 'Creating the network namespace, or setting its addresses, was refused.',
    remedy: 'Run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN, or provide a Docker daemon.',
  },
  MP403: {
    title: 'the private Docker daemon does not answer',
    blame: 'environment',
    meaning:
      'The lab’s dockerd lives and has not answered for a minute or two. A run under which that happened ' +
      'comes to no verdict. When others use it, it is neither killed nor replaced; one that nobody else uses ' +
      'is.',
    remedy:
      'See whether it was stopped (`ps -o stat`, SIGCONT wakes it) or the machine is out of memory; end the ' +
      'runs that use it, then `meshproof down`.',
  },
  MP404: {
    title: 'the lab is in use',
    blame: 'environment',
    meaning:
      'One private Docker daemon serves the whole machine. It is used by somebody else, with another cache ' +
      'folder, or while its data was to be removed.',
    remedy: 'Wait for the runs that the message names, or remove the environments that it names with `meshproof down`.',
  },
  MP405: {
    title: 'the private Docker daemon died during the run',
    blame: 'environment',
    meaning:
      'The lab’s dockerd ended while the run was at work: it crashed, or somebody killed it. What the ' +
      'scenarios saw after that moment is not to be relied on, so the run has no verdict. What it made was ' +
      'removed all the same.',
    remedy:
      'Read the end of its log (`logs/dockerd.log` in the cache), and run again; out of memory is the usual cause.',
  },
  // MP5xx: clusters
  MP501: {
    title: 'cluster name in use',
    blame: 'environment',
    meaning: 'A kind cluster of that name exists and does not belong to this environment. meshproof never touches it.',
    remedy:
      'Choose another `name` in meshproof.yaml; if it is a left-over of a killed run, `meshproof down` removes it.',
  },
  MP502: {
    title: 'address range in use',
    blame: 'environment',
    meaning:
      'The LoadBalancer address pool overlaps another pool or a container’s address, lies outside of the ' +
      'clusters’ network, or somebody answers at one of its addresses, such as another cluster’s load ' +
      'balancer.',
    remedy:
      'Remove `addressPools` from the config to have them computed, or choose ranges that the message shows as free.',
  },
  MP503: {
    title: 'cluster was not created',
    blame: 'environment',
    meaning: '`kind create cluster` failed. The node’s logs were exported before the cleaning up.',
    remedy: 'Read the log named in the message. Usual causes: inotify limits, memory, cgroup set-up.',
  },
  MP504: {
    title: 'cluster does not answer',
    blame: 'environment',
    meaning: 'The API server of a kubeconfig context did not answer, or refused the credentials.',
    remedy: 'Try `kubectl --context <name> version`; check VPN, proxy and expiry of the credentials.',
  },
  MP505: {
    title: 'object was refused',
    blame: 'environment',
    meaning: 'The API server (or an admission webhook) refused an object that meshproof applied.',
    remedy: 'The message holds the server’s own words and the object’s name.',
  },
  MP506: {
    title: 'LoadBalancer address not reachable',
    blame: 'environment',
    meaning: 'A gateway has an address but the peer cluster cannot reach it, so no cross-cluster call can work.',
    remedy: 'Check that both clusters share a network, the pools are inside of it, and MetalLB’s speaker runs.',
  },
  MP507: {
    title: 'object belongs to somebody else',
    blame: 'environment',
    meaning:
      'On clusters of yours meshproof writes only to what carries its label and the id of this very ' +
      'environment. An object that it needs is there already and does not: it is left alone, and nothing was ' +
      'sent.',
    remedy:
      'The message names who made it. Use clusters without namespaces of the walkthrough’s names (foo, bar, ' +
      'ha, legacy, cleanup-foo, cleanup-bar); what another environment of meshproof left, `meshproof down` ' +
      'with its config removes.',
  },
  MP508: {
    title: 'nobody agreed to the first write',
    blame: 'usage',
    meaning:
      'meshproof writes to clusters that it did not make only after somebody agreed: at the question before ' +
      'the first write, or beforehand with `--yes`.',
    remedy:
      'See with `--dry-run` what would be written and where; then answer yes, or give `--yes` where nobody ' +
      'can be asked.',
  },
  MP509: {
    title: 'not done to clusters of yours',
    blame: 'usage',
    meaning:
      'The command installs, kills or takes away control planes. It does that to clusters that meshproof ' +
      'makes, never to those of `provider: existing`.',
    remedy: 'Use `provider: kind`.',
  },
  MP510: {
    title: 'namespace holds what is somebody else’s',
    blame: 'environment',
    meaning:
      'A namespace that meshproof made on a cluster of yours has objects in it that it did not make, or kinds ' +
      'that you may not list. Deleting it would take them along, so it stays; what is meshproof’s in it is ' +
      'removed.',
    remedy: 'Move what the message lists to another namespace, then run `meshproof down` again.',
  },
  // MP6xx: the mesh
  MP601: {
    title: 'sample certificates refused',
    blame: 'usage',
    meaning: 'The CA offered is Istio’s published sample (samples/certs). Its private key is known to everybody.',
    remedy:
      'Use your own CA or leave `pki` out to have one made; for a demonstration ask for it by name: `pki: ' +
      '{allowSampleCertificates: true}`.',
  },
  MP602: {
    title: 'CA expired or not yet valid',
    blame: 'usage',
    meaning: 'A certificate of the chain that would sign the workloads is outside of its validity.',
    remedy: 'Issue a new intermediate from the shared root.',
  },
  MP603: {
    title: 'CA does not match',
    blame: 'usage',
    meaning:
      'The private key, intermediate, chain and root do not belong together, or the clusters do not share one root.',
    remedy:
      'The message names the pair that does not match; compare with `openssl verify -CAfile root-cert.pem ' +
      'ca-cert.pem`.',
  },
  MP604: {
    title: 'control plane not ready',
    blame: 'environment',
    meaning: 'istiod or a gateway did not become ready within its deadline.',
    remedy: 'The message holds the pod’s last status; its logs are in the run’s evidence folder.',
  },
  MP605: {
    title: 'Istio manifests could not be rendered',
    blame: 'environment',
    meaning: '`istioctl manifest generate` refused the IstioOperator that meshproof made.',
    remedy: 'The message holds istioctl’s own words.',
  },
  MP606: {
    title: 'address refused for a service',
    blame: 'usage',
    meaning:
      'A `.global` service needs an address that a sidecar can capture. Multicast (224.0.0.0/4) is not ' +
      'routed; loopback (127.0.0.0/8) may end at one of the sidecar’s own listeners.',
    remedy: 'Take one of 240.0.0.0/4 that no other service of the cluster has.',
  },
  MP607: {
    title: 'two services share an address',
    blame: 'usage',
    meaning:
      'Within one cluster each `.global` service needs an address of its own: of two TCP services at one ' +
      'address and port, only the older one gets a listener.',
    remedy: 'Give one of them another address of 240.0.0.0/4.',
  },
  MP608: {
    title: 'port name and protocol disagree',
    blame: 'usage',
    meaning:
      'Istio reads the protocol of a port from its declaration or from the prefix of its name (`http-web`, ' +
      '`tcp-db`). A wrong one turns HTTP routing off, or breaks plain TCP.',
    remedy: 'Begin the name with the protocol that the service speaks.',
  },
  MP609: {
    title: 'no address is left',
    blame: 'usage',
    meaning: 'The range from which `.global` services get their addresses has no free one.',
    remedy: 'Give a wider range with --range, inside of 240.0.0.0/4.',
  },
  MP610: {
    title: 'nothing to export',
    blame: 'usage',
    meaning:
      'A namespace that `services export` was given is in no cluster, or the whole export is empty and would ' +
      'delete everything that it applied before.',
    remedy: 'Correct --namespaces; the message names what comes nearest.',
  },
  MP611: {
    title: 'the control planes cannot be connected',
    blame: 'environment',
    meaning:
      'In a mesh whose control planes read each other’s clusters, the remote secret of one could not be made. ' +
      'The message holds istioctl’s own words.',
    remedy:
      'See whether the API server answers under its node’s address from the other clusters, and whether ' +
      'istio-reader-service-account is in istio-system.',
  },
  // MP7xx: waiting and probing
  MP701: {
    title: 'condition not met in time',
    blame: 'environment',
    meaning: 'A named condition was polled until its deadline and never held. The message says what was last seen.',
    remedy: 'Look at what was last seen and at the evidence of that hop.',
  },
  MP716: {
    title: 'no answer while waiting',
    blame: 'environment',
    meaning:
      'A condition was polled, and the last look at it did not come back before the deadline. Whether it ' +
      'holds is not known, so nothing is said about the mesh.',
    remedy: 'See whether the API server, and the pod that the message names, answer at all.',
  },
  MP702: {
    title: 'probe could not run',
    blame: 'environment',
    meaning:
      'A probe (curl in a pod, a config dump) could not be executed at all, so nothing was learned about the mesh.',
    remedy: 'See that the pod runs: the message names it.',
  },
  MP703: {
    title: 'config dump not understood',
    blame: 'environment',
    meaning: 'Envoy’s config dump lacks a field, or holds a type, that the typed model requires.',
    remedy: 'The dump is kept as evidence; please report it together with the Envoy version.',
  },
  MP704: {
    title: 'configuration rejected by a proxy',
    blame: 'mesh',
    meaning: 'A proxy answered an xDS push with a NACK: it keeps the old configuration.',
    remedy: 'The message holds Envoy’s own words; istiod’s log has the same.',
  },
  MP705: {
    title: 'claim left unproven',
    blame: 'mesh',
    meaning: 'A scenario declared a claim and ended without proving or refuting it.',
    remedy: 'Call claim(name, …) for each declared claim, or drop it from the declaration.',
  },
  MP717: {
    title: 'claim without a sample',
    blame: 'mesh',
    meaning: 'A proof ended without asserting anything: the list that it goes through was empty, say.',
    remedy: 'Assert how many there are before asserting what each of them is.',
  },
  MP718: {
    title: 'a cause could not be proven',
    blame: 'mesh',
    meaning:
      'To prove a cause, `run --prove` puts the suspect back to what it was when the mesh was ready, and in ' +
      'again afterwards. The API server did not take one of these.',
    remedy:
      'Read what the API server said. What the message names may not be as it was found: compare it with the report.',
  },
  MP706: {
    title: 'step of the page not played',
    blame: 'mesh',
    meaning:
      'A scenario says that one of its steps carries out a command of the walkthrough, and ended without ' +
      'playing a step of that key.',
    remedy: 'Make the keys in `walkthrough` and in `step(…)` the same.',
  },
  MP719: {
    title: 'key of a claim or a step',
    blame: 'mesh',
    meaning:
      'Claims and steps are known by keys, which stay when a sentence is reworded. A scenario has one that is ' +
      'no key, has the same one twice, or proves a claim that it does not declare.',
    remedy:
      'Give each claim and each step of the scenario a key of its own in lower case with dashes: `claims: { ' +
      "'call-succeeds': 'the call succeeds' }`, `step('deploy', 'deploy sleep', …)`.",
  },
  MP708: {
    title: 'not possible on this provider',
    blame: 'environment',
    meaning:
      'A claim needs something that the provider cannot offer, such as a container on the clusters’ network. ' +
      'The claim is reported as not supported.',
    remedy: 'Run it with the provider kind.',
  },
  MP709: {
    title: 'command not on the page',
    blame: 'usage',
    meaning: 'A scenario says that it carries out a command of the walkthrough which the page does not have.',
    remedy: '`meshproof walkthrough --coverage` lists the commands by name.',
  },
  MP710: {
    title: 'no run to show',
    blame: 'usage',
    meaning: 'A report was asked for, and there is no run to make it from.',
    remedy: 'Run `meshproof run` first, or name a run’s folder.',
  },
  MP711: {
    title: 'nothing to probe',
    blame: 'usage',
    meaning: 'The pod, the cluster or the dump that was named for a probe is not there.',
    remedy: 'The message names what comes nearest; `meshproof status` shows the clusters.',
  },
  MP712: {
    title: 'a report could not be made',
    blame: 'environment',
    meaning: 'A report of a finished run could not be made. The verdict and run.json are not touched by that.',
    remedy: 'The message holds the tool’s own words.',
  },
  MP713: {
    title: 'evidence does not answer',
    blame: 'usage',
    meaning:
      'A replay computes verdicts from what a run saw. This run left no such evidence, part of it is gone, or ' +
      'the scenario now asks what the run never asked.',
    remedy: 'Replay with the version of meshproof (and of the scenario) that made the run, or play the scenario again.',
  },
  MP714: {
    title: 'replay differs from the run',
    blame: 'mesh',
    meaning:
      'Computed again from the evidence, a claim has another verdict, reason or diagnosis than run.json says: ' +
      'the evidence was changed, or the claim was.',
    remedy:
      'The message names each claim with both verdicts. After a change to a scenario this is what the replay is for.',
  },
  MP715: {
    title: 'scenario writes what it did not declare',
    blame: 'mesh',
    meaning:
      'On clusters of yours a scenario applies only namespaces, kinds and hosts that its `needs` name, since ' +
      'these are what you agreed to. Nothing was sent.',
    remedy: 'Add what the message names to the scenario’s `needs`.',
  },
  MP720: {
    title: 'run folder leads outside of itself',
    blame: 'usage',
    meaning:
      'A run folder names a file, or holds a link, that lies outside of it. No run writes such a folder: it ' +
      'was changed, or made by hand. Nothing outside was read or written.',
    remedy: 'Use the folder as the run wrote it, or an archive made by `meshproof report --archive`.',
  },
  MP721: {
    title: 'file of a run folder too large',
    blame: 'usage',
    meaning: 'A run folder holds a file that is larger than any that a run writes, so it was not read.',
    remedy: 'See what the file is; the message names it with its size.',
  },
  MP722: {
    title: 'archive refused',
    blame: 'usage',
    meaning:
      'An archive holds links, devices, paths that lead out of it or more data than any run writes, or it is ' +
      'cut off. Nothing of it was used.',
    remedy:
      'Ask for an archive made by `meshproof report --archive`, and compare its SHA-256 digest with the one ' +
      'that was told.',
  },
  MP723: {
    title: 'runs do not belong together',
    blame: 'usage',
    meaning:
      'Runs that are merged must be parts of one: the same mesh, Kubernetes and clusters, the same number of ' +
      'shards, and no scenario twice. Nothing was written.',
    remedy: 'Name the folders of one matrix’s runs, each once.',
  },
  MP724: {
    title: 'shard missing',
    blame: 'environment',
    meaning:
      'One of the shards that a run was split into left no result, or did not end. What the others found is ' +
      'in the report; a whole verdict there is none.',
    remedy: 'See why that shard left nothing, run it again, and merge again.',
  },
  MP725: {
    title: 'run of an earlier version',
    blame: 'usage',
    meaning:
      'The run was recorded before claims and steps had keys. Its reports stay as they are; it is not ' +
      'compared, replayed, merged or reported again, since what its sentences mean today nobody can tell.',
    remedy: 'Use the version of meshproof that made the run, or play it again.',
  },
  // MP8xx: diagnoses of a broken path, by its first broken hop
  MP801: {
    title: 'the proxy does not have the change',
    blame: 'mesh',
    meaning: 'A fact that a scenario waited for never came into the proxy’s configuration.',
    remedy:
      'See whether the object was applied in a namespace that the proxy imports, and what istiod’s log says ' +
      'of the proxy.',
  },
  MP802: {
    title: 'the sidecar has no listener for the service',
    blame: 'mesh',
    meaning:
      'The client’s sidecar does not take connections to the service’s address and port, so calls leave it ' +
      'unseen or fail.',
    remedy:
      'See that the ServiceEntry is visible in the client’s namespace (exportTo, Sidecar resources), and that ' +
      'its port and address are those that are called.',
  },
  MP803: {
    title: 'no route leads to the service',
    blame: 'mesh',
    meaning: 'The sidecar takes the call and its route configuration sends it elsewhere.',
    remedy: 'See that the Host header is one of the ServiceEntry’s hosts, and which VirtualService claims it.',
  },
  MP804: {
    title: 'the sidecar has no cluster for the service',
    blame: 'mesh',
    meaning: 'A route names a cluster that the sidecar does not have.',
    remedy:
      'A subset that no DestinationRule defines is the usual reason; see `meshproof probe <pod> --only clusters`.',
  },
  MP805: {
    title: 'the sidecar does not start the mutual TLS that the gateway expects',
    blame: 'mesh',
    meaning:
      'The gateway between clusters routes by the SNI of mutual TLS; without it, or with another name, ' +
      'nothing matches.',
    remedy:
      'A DestinationRule for the host with tls mode ISTIO_MUTUAL, or the label security.istio.io/tlsMode: ' +
      'istio on the endpoint.',
  },
  MP806: {
    title: 'the endpoint is missing or another one',
    blame: 'mesh',
    meaning: 'The cluster in the sidecar does not lead where the ServiceEntry should make it lead.',
    remedy:
      'Compare the ServiceEntry’s endpoints, ports and network with the gateway’s address; look at the ' +
      'proxy’s network view.',
  },
  MP807: {
    title: 'the gateway does not listen on 15443',
    blame: 'mesh',
    meaning: 'No Gateway resource gives this gateway a listener for traffic between clusters.',
    remedy: 'A Gateway with port 15443, tls mode AUTO_PASSTHROUGH, whose selector matches the gateway’s pods.',
  },
  MP808: {
    title: 'the gateway does not know this SNI',
    blame: 'mesh',
    meaning:
      'The gateway has no filter chain for the server name, so it closes the connection: clients see 503 or a reset.',
    remedy:
      'Declare the .global host in the receiving cluster (ServiceEntry with workloadSelector), and let the ' +
      'Gateway’s hosts cover it.',
  },
  MP809: {
    title: 'nobody stands behind the gateway’s cluster',
    blame: 'mesh',
    meaning: 'The gateway knows the SNI, and has no endpoint for it that is a member of the mesh.',
    remedy:
      'See that pods match the workloadSelector and have a sidecar; endpoints need the label ' +
      'security.istio.io/tlsMode: istio.',
  },
  MP810: {
    title: 'the gateway leads to somebody else',
    blame: 'mesh',
    meaning: 'The gateway’s cluster for the SNI has endpoints, and not the one that should be there.',
    remedy: 'Compare labels of subsets and pods, and the health of the endpoints.',
  },
  MP811: {
    title: 'the name does not resolve',
    blame: 'mesh',
    meaning:
      'The client never called: its resolver has no address for the host. `.global` names come from the ' +
      'sidecar’s DNS capture, or from a stub domain of the cluster’s DNS.',
    remedy:
      'See that a ServiceEntry with the host and an address is visible in the client’s namespace, and that ' +
      'ISTIO_META_DNS_CAPTURE is on; for pods without a sidecar, that the stub domain is there.',
  },
  MP812: {
    title: 'an authorization policy refuses the call',
    blame: 'mesh',
    meaning:
      'The call came through, with its identity, and the server’s proxy (or a gateway’s) refused it by an ' +
      'AuthorizationPolicy.',
    remedy:
      'List the AuthorizationPolicies of the server’s namespace and of istio-system; principals of the other ' +
      'cluster carry the same trust domain.',
  },
  MP813: {
    title: 'the TLS handshake fails',
    blame: 'mesh',
    meaning:
      'Two proxies found each other and did not trust each other: another root, an expired certificate, or an ' +
      'identity that is not among the accepted ones.',
    remedy:
      'Compare both ends with `meshproof probe <pod> --only secrets`: the ROOTCA fingerprints must be the ' +
      'same, and the chains must lead there.',
  },
  MP814: {
    title: 'a fault that was injected on purpose',
    blame: 'mesh',
    meaning: 'A VirtualService tells the client’s sidecar to abort or delay calls.',
    remedy: 'Look for `fault:` in the VirtualServices that are visible in the client’s namespace.',
  },
  MP815: {
    title: 'the next hop does not answer',
    blame: 'mesh',
    meaning:
      'The configuration leads somewhere, and nobody there takes the connection: no healthy endpoint, a ' +
      'closed port, a gateway that resets it.',
    remedy:
      'See that the endpoint is reachable from the client’s node, that 15443 is open between the networks, ' +
      'and that the peer’s gateway knows the SNI (`meshproof diagnose`).',
  },
  // MP82x: causes, by the layer that a call stands on
  MP820: {
    title: 'the machine or the network keeps packets from passing',
    blame: 'environment',
    meaning:
      'A packet rule, a queue, a link, a route or a node below the clusters is not as it was when the mesh ' +
      'was proven ready.',
    remedy: 'Look at the node that is named: iptables-save, tc qdisc show, ip route, ip neigh, and its kubelet.',
  },
  MP821: {
    title: 'pods that the path needs are not there, or are not ready',
    blame: 'environment',
    meaning: 'A workload is scaled to zero, cannot start, cannot have its image, or came up without its sidecar.',
    remedy: '`kubectl describe` of the workload and of its pods says why; events are part of the run’s evidence.',
  },
  MP822: {
    title: 'the control plane does not do its work',
    blame: 'mesh',
    meaning:
      'istiod has no ready pod, sends what proxies reject, or is kept from its work by roles, webhooks or its ' +
      'configuration.',
    remedy: 'Look at istiod’s log, at its deployment, and at the webhooks that the API server asks.',
  },
  MP823: {
    title: 'a name or an address does not lead where it should',
    blame: 'environment',
    meaning:
      'A Service selects other pods or offers other ports, a load balancer gives no address, or the cluster’s ' +
      'DNS does not answer.',
    remedy: 'Compare the Service’s ports, selector and address with the pods behind it, and look at the address pools.',
  },
  MP824: {
    title: 'proxies do not trust each other',
    blame: 'mesh',
    meaning:
      'Clusters have other roots, other trust domains, or certificates that are out of their time: handshakes ' +
      'between them fail.',
    remedy: 'Compare roots and issuers with `meshproof probe <pod> --only secrets` in both clusters.',
  },
  MP825: {
    title: 'an object of the mesh treats the call in another way',
    blame: 'mesh',
    meaning:
      'An Istio object refuses, hides, redirects or changes the call: the cause names it, and the field that does it.',
    remedy: 'Look at the object that is named, and at who owns it; `istioctl analyze` may say more about it.',
  },
  MP826: {
    title: 'the workload itself does not serve',
    blame: 'mesh',
    meaning: 'The path leads to the workload, and its pods do not run, are not ready, or answer with an error.',
    remedy: 'Look at the workload’s pods and at their log.',
  },
  // MP9xx: interruption
  MP901: {
    title: 'interrupted',
    blame: 'environment',
    meaning: 'The run was stopped by a signal. Evidence gathered so far is kept.',
    remedy: '`meshproof status` shows what is still there, `meshproof down` removes it.',
  },
  MP902: {
    title: 'the run was killed',
    blame: 'environment',
    meaning:
      'The process of a run ended without a word: kill -9, the end of a session, or a machine that went down. ' +
      'The next command that met its record closed it.',
    remedy: '`meshproof status` shows what is still there, `meshproof down` removes it.',
  },
  MP903: {
    title: 'a fault could not be put in or taken out',
    blame: 'environment',
    meaning:
      'Faults are put only into kept environments that meshproof made, with the environment’s own kubectl and docker.',
    remedy:
      '`meshproof status` tells whether the environment is whole; `meshproof down` and `meshproof up` make a ' +
      'fresh one.',
  },
  MP905: {
    title: 'a bench run did not pass',
    blame: 'mesh',
    meaning: 'Times are compared of runs that pass; one did not, and the bench ended with it.',
    remedy: 'Look at its report; when it passes again, begin the bench anew.',
  },
  MP999: {
    title: 'internal error',
    blame: 'environment',
    meaning: 'meshproof met something its authors did not foresee.',
    remedy: 'Please report it with the run’s archive (`meshproof report --archive`).',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** True for a code that the catalogue lists. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
