// @slow: the compiler reads the types of the Kubernetes API
/** What would fail on a cluster, found without one: fields, selectors, ports, volumes, names, commands and settings. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { listSettings } from '../../src/config/layer.ts';
import { yamlLayer } from '../../src/config/sources.ts';
import { VERSION } from '../../src/version.ts';
import type { Manifest, Part } from './manifests.ts';
import { filesOf, kustomizationOf, manifestsOf, ROOT, withComponent } from './manifests.ts';

const base = manifestsOf('base');
const monitoring = manifestsOf('monitoring');
const versions = manifestsOf('worker-controller');
const all = [...base, ...monitoring, ...versions];
const inBuckets = withComponent([...base, ...versions], 's3');
const of = (kind: string, among = all): Manifest[] => among.filter((manifest) => manifest.kind === kind);

/** All that has pods, with the template of these. */
const withPods = [...of('Deployment'), ...of('Job'), ...of('WorkerDeployment')];
const podOf = ({ spec }: Manifest) => spec.template.spec;
const labelsOf = ({ spec }: Manifest): Record<string, string> => spec.template.metadata.labels;
const matches = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

const MODULES: Readonly<Record<string, string>> = {
  v1: 'kubernetes-models/v1',
  'apps/v1': 'kubernetes-models/apps/v1',
  'batch/v1': 'kubernetes-models/batch/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  'networking.k8s.io/v1': 'kubernetes-models/networking.k8s.io/v1',
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
};

describe.each<Part>(['base', 'monitoring', 's3', 'worker-controller'])('%s', (part) => {
  it('names its files, and no others', () => {
    const own = kustomizationOf(part).resources.filter((path) => !path.startsWith('../'));
    expect([...own].sort()).toEqual(filesOf(part));
  });
});

it('every object is what the types of the Kubernetes API say, to the last field', () => {
  const folder = mkdtempSync(join(ROOT, 'dist/manifests-'));
  try {
    const checked = [...all, ...inBuckets];
    const known = checked.filter(({ apiVersion }) => apiVersion in MODULES);
    const others = [...of('Connection', checked), ...of('WorkerDeployment', checked)];
    expect(known.length).toBe(checked.length - others.length);
    const lines = known.map(({ file, ...object }, at) => {
      const { apiVersion, kind } = object;
      const type = `import('${MODULES[apiVersion]}').I${kind}`;
      return `// ${file}\nexport const object${at}: ${type} = ${JSON.stringify(object)};`;
    });
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options =
      '--ignoreConfig --noEmit --strict --skipLibCheck --target es2022 --module nodenext --moduleResolution nodenext';
    const { stdout } = spawnSync(process.execPath, [compiler, ...options.split(' '), join(folder, 'manifests.ts')], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('every pod', () => {
  it.each(withPods)('of $kind $metadata.name has no privileges and cannot write but where it has to', (owner) => {
    const pod = podOf(owner);
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      });
      expect(container.resources.limits.memory).toBeDefined();
    }
  });

  it.each(withPods)('of $kind $metadata.name mounts what there is', (owner) => {
    const pod = podOf(owner);
    const named = pod.volumes.map(({ name }: { name: string }) => name).sort();
    for (const { volumeMounts } of pod.containers) {
      expect(volumeMounts.map(({ name }: { name: string }) => name).sort()).toEqual(named);
    }
    for (const { persistentVolumeClaim, configMap } of pod.volumes) {
      const claims = of('PersistentVolumeClaim').map(({ metadata }) => metadata.name);
      if (persistentVolumeClaim) expect(claims).toContain(persistentVolumeClaim.claimName);
      if (configMap) expect(configMap.name).toBe('wds-config');
    }
  });

  it.each(withPods)('of $kind $metadata.name runs a command of wds with variables that wds reads', (owner) => {
    const variables = [...listSettings().flatMap(({ meta }) => meta.env ?? []), 'WDS_CONFIG'];
    for (const { args, env, image } of podOf(owner).containers) {
      expect(image).toBe('wds');
      const program = buildProgram({ invocation: process } as unknown as CommandContext);
      const command = program.commands.find((one) => one.name() === args[0]);
      expect(command, args[0]).toBeDefined();
      const flags = [...command!.options, ...program.options].flatMap(({ long }) => long ?? []);
      for (const flag of args.filter((arg: string) => arg.startsWith('--'))) expect(flags).toContain(flag);
      for (const { name } of env) expect([...variables, 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE']).toContain(name);
    }
  });
});

describe('every process that stays', () => {
  const staying = [...of('Deployment'), ...of('WorkerDeployment')];

  it.each(staying)('$metadata.name is asked at ports that it has, and has time to stop', (owner) => {
    const pod = podOf(owner);
    const [{ ports, startupProbe, livenessProbe, readinessProbe }] = pod.containers;
    const named = ports.map(({ name }: { name: string }) => name);
    for (const probe of [startupProbe, livenessProbe]) expect(probe.httpGet.path).toBe('/livez');
    expect(readinessProbe.httpGet.path).toBe('/readyz');
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) expect(named).toContain(probe.httpGet.port);
    // 15 s of a request, 5 s of grace, and what else there is to end.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(45);
  });

  it.each(of('Deployment'))('$metadata.name chooses its own pods, and a drained node takes one at a time', (owner) => {
    expect(matches(owner.spec.selector.matchLabels, labelsOf(owner))).toBe(true);
    const others = of('Deployment').filter((other) => other !== owner);
    expect(others.some((other) => matches(owner.spec.selector.matchLabels, labelsOf(other)))).toBe(false);
    const budgets = of('PodDisruptionBudget').filter(({ spec }) => matches(spec.selector.matchLabels, labelsOf(owner)));
    expect(budgets.map(({ spec }) => spec.maxUnavailable)).toEqual([1]);
  });
});

it('every selector chooses somebody', () => {
  const everyLabel = withPods.map(labelsOf);
  const chosen = (selector: Record<string, string>): boolean => everyLabel.some((labels) => matches(selector, labels));
  for (const { spec } of of('PodDisruptionBudget')) expect(chosen(spec.selector.matchLabels)).toBe(true);
  for (const { spec } of of('NetworkPolicy')) expect(chosen(spec.podSelector.matchLabels ?? {})).toBe(true);
  for (const { spec } of of('Service')) expect(chosen(spec.selector)).toBe(true);
  for (const { spec } of of('ServiceMonitor')) {
    expect(of('Service').some(({ metadata }) => matches(spec.selector.matchLabels, metadata.labels ?? {}))).toBe(true);
  }
  const components = everyLabel.map((labels) => labels['app.kubernetes.io/component']);
  for (const { spec } of of('PodMonitor')) {
    for (const { values } of spec.selector.matchExpressions) expect(components).toEqual(expect.arrayContaining(values));
  }
});

it('every port that is named by others is one of a pod', () => {
  const ports = withPods.flatMap((owner) =>
    podOf(owner).containers.flatMap((one: { ports?: { name: string }[] }) => one.ports ?? []),
  );
  const names = ports.map(({ name }) => name);
  const asked = [
    ...of('Service').flatMap(({ spec }) => spec.ports.map((port: { targetPort: string }) => port.targetPort)),
    ...of('NetworkPolicy').flatMap(({ spec }) =>
      (spec.ingress ?? []).flatMap((rule: { ports: { port: string }[] }) => rule.ports.map(({ port }) => port)),
    ),
    ...of('PodMonitor').flatMap(({ spec }) => spec.podMetricsEndpoints.map(({ port }: { port: string }) => port)),
  ];
  expect(names).toEqual(expect.arrayContaining(asked));
  expect(asked.length).toBeGreaterThan(3);
});

it('the versioned files workers are those of the base, but for what the Worker Controller adds', () => {
  const [versioned] = of('WorkerDeployment');
  const unversioned = of('Deployment', base).find(({ metadata }) => metadata.name === 'wds-worker-files')!;
  const { env: own, ...rest } = podOf(versioned!).containers[0];
  const { env, ...restOfBase } = podOf(unversioned).containers[0];
  expect(rest).toEqual(restOfBase);
  expect(own).toEqual(env.filter(({ name }: { name: string }) => !name.startsWith('TEMPORAL_')));
  expect({ ...podOf(versioned!), containers: [] }).toEqual({ ...podOf(unversioned), containers: [] });
  expect(labelsOf(versioned!)).toEqual({ ...kustomizationOf('base').labels![0]!.pairs, ...labelsOf(unversioned) });
});

describe('with store and inbox in a bucket', () => {
  it('no volume is shared: workers keep nothing, and one API has what it has taken', () => {
    const claims = [...of('Deployment', inBuckets), ...of('WorkerDeployment', inBuckets)].map((owner) => [
      owner.metadata.name,
      podOf(owner).volumes.some((volume: { persistentVolumeClaim?: object }) => volume.persistentVolumeClaim),
    ]);
    expect(claims.filter(([, claims]) => claims)).toEqual([['wds-api', true]]);
    expect(of('PersistentVolumeClaim', inBuckets)[0]!.spec.accessModes).toEqual(['ReadWriteOnce']);
    const api = of('Deployment', inBuckets).find(({ metadata }) => metadata.name === 'wds-api')!;
    expect(api.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  it('each process has the account that credentials come by, and a way to the bucket', () => {
    const account = of('ServiceAccount', inBuckets)[0]!.metadata.name;
    for (const owner of [...of('Deployment', inBuckets), ...of('WorkerDeployment', inBuckets)]) {
      expect(podOf(owner).serviceAccountName).toBe(account);
    }
    const everybody = of('NetworkPolicy', inBuckets).find(({ metadata }) => metadata.name === 'wds')!;
    expect(everybody.spec.egress).toContainEqual({ ports: [{ port: 443 }] });
  });
});

it('the configuration is one that wds reads', () => {
  const text = readFileSync(join(ROOT, 'deploy/kubernetes/base/wds.config.yaml'), 'utf8');
  expect(yamlLayer(text, 'wds.config.yaml').faults).toEqual([]);
});

it('the image is of this version', () => {
  for (const part of ['base', 'worker-controller'] as const) {
    expect(kustomizationOf(part).images).toEqual([{ name: 'wds', newTag: VERSION }]);
  }
});
