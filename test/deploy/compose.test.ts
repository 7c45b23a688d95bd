/** What would fail on an engine, found without one: settings, files, pins, and what each container of wds may do. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { CommandContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { listSettings } from '../../src/config/layer.ts';
import { VERSION } from '../../src/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly [];
  readonly [key: string]: unknown;
}

const text = textOf('docker-compose.yml');
const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
const entries = Object.entries(services);
const own = entries.filter(([, { build }]) => build !== undefined);
const dockerfile = textOf('Dockerfile');

describe('every service', () => {
  it.each(entries)('%s is pinned, limited, and publishes only ports that can be moved', (_, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+(\.\d+)?(-\w+)?$/);
    expect(service).toMatchObject({ mem_limit: expect.any(String), logging: expect.any(Object) });
    for (const port of service.ports ?? []) {
      expect(port).toMatch(/^\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
    }
  });

  it.each(entries)(
    '%s mounts what there is, and waits for services that there are',
    (_, { volumes = [], ...service }) => {
      for (const volume of volumes) {
        const [from = ''] = volume.split(':');
        expect(from === './data' || !from.startsWith('.') || existsSync(join(ROOT, from)), from).toBe(true);
      }
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})));
    },
  );
});

it('no variable is needed: stop and down work without any', () => {
  const variables = [...text.matchAll(/\$\{\w+([^}]*)\}/g)];
  expect(variables.length).toBeGreaterThan(10);
  expect(variables.filter(([, otherwise = '']) => !otherwise.startsWith(':-')).map(([name]) => name)).toEqual([]);
});

it('each default port is published once', () => {
  const ports = entries.flatMap(([, service]) => service.ports ?? []).map((port) => /_PORT:-(\d+)/.exec(port)?.[1]);
  expect(new Set(ports).size).toBe(ports.length);
});

describe('every container of wds', () => {
  it('there are all of them', () => {
    expect(own.map(([name]) => name).sort()).toEqual([
      ...['api', 'init', 'receiver', 'watch', 'worker-alerts', 'worker-files'],
    ]);
  });

  it.each(own)('%s has a read-only root file system, three capabilities, and time to stop', (_, service) => {
    expect(service).toMatchObject({
      ...{ image: `wds:${VERSION}`, read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'], stop_grace_period: '60s' },
      ...{
        cap_add: ['CHOWN', 'SETGID', 'SETUID'],
        security_opt: ['no-new-privileges:true'],
        volumes: ['./data:/data'],
      },
    });
  });

  it.each(own)('%s runs a command of wds, is started again, and is asked whether it lives', (name, service) => {
    const commands = buildProgram({ invocation: process } as unknown as CommandContext).commands.map((one) =>
      one.name(),
    );
    if (name !== 'init') expect(commands).toContain(service.command?.[0]);
    expect(service.restart).toBe(name === 'init' ? 'no' : 'unless-stopped');
    const asked = name === 'init' ? { disable: true } : { test: expect.arrayContaining(['CMD', 'healthy']) };
    expect(service.healthcheck).toMatchObject(asked);
  });

  it.each(own)('%s is given variables that wds reads', (_, { environment = {} }) => {
    const known = listSettings().flatMap(({ meta }) => meta.env ?? []);
    const others = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'WDS_SECRET'];
    expect([...known, ...others]).toEqual(expect.arrayContaining(Object.keys(environment)));
  });
});

describe('docker-compose.s3.yml', () => {
  const override = textOf('docker-compose.s3.yml');
  const { bucket, ...others } = (parse(override, { merge: true }) as { services: Record<string, Service> }).services;

  it('gives the bucket to each container of wds that has to do with files, by variables that it reads', () => {
    expect(Object.keys(others).sort()).toEqual(['api', 'init', 'watch', 'worker-alerts', 'worker-files']);
    const known = listSettings().flatMap(({ meta }) => meta.env ?? []);
    for (const { environment = {} } of Object.values(others)) {
      const own = Object.keys(environment).filter((name) => !name.startsWith('AWS_'));
      expect(own).toEqual(['WDS_STORE', 'WDS_INBOX', 'WDS_S3_ENDPOINT']);
      expect(known).toEqual(expect.arrayContaining(own));
    }
    for (const [, otherwise = ''] of override.matchAll(/\$\{\w+([^}]*)\}/g)) expect(otherwise).toMatch(/^:-/);
  });

  it('has a bucket to rehearse with, which is pinned, limited, and has its stand-in', () => {
    expect(bucket).toMatchObject({ profiles: ['demo'], mem_limit: expect.any(String), logging: expect.any(Object) });
    expect(textOf('scripts/containers-here.sh')).toContain(`BUCKET=docker.io/${bucket!.image}\n`);
  });
});

describe('the image', () => {
  it('is made of what there is, and starts what there is', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?:--\S+ )*(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    );
    const inCheckout = copied
      .map((path) => path.replace('/wds/', ''))
      .filter((path) => path !== 'dist' && path !== '.');
    for (const path of inCheckout) expect(path === 'node_modules' || existsSync(join(ROOT, path)), path).toBe(true);
    for (const tool of ['as-owner', 'wds', 'healthy', 'first-steps']) {
      expect(inCheckout).toContain(`deploy/container/${tool}`);
    }
  });

  it('is built on the base that its stand-in is made for', () => {
    const bases = [...dockerfile.matchAll(/^FROM node:([\d.]+)-bookworm-slim/gm)].map(([, version]) => version);
    expect(new Set(bases)).toEqual(new Set([/^NODE=(.+)$/m.exec(textOf('scripts/containers-here.sh'))?.[1]]));
    expect(bases.length).toBe(2);
  });

  it('has stand-ins for the images that docker-compose.yml brings up', () => {
    const script = textOf('scripts/containers-here.sh');
    const pins = (name: string): string | undefined => new RegExp(`^${name}=(.+)$`, 'm').exec(script)?.[1];
    expect([
      ...[services.temporal!.image, services.schema!.image, services.ui!.image, services.postgresql!.image],
      ...[services.prometheus!.image, services.grafana!.image],
    ]).toEqual([
      ...[`temporalio/server:${pins('TEMPORAL')}`, `temporalio/admin-tools:${pins('TEMPORAL')}`],
      ...[`temporalio/ui:${pins('UI')}`, pins('POSTGRES')?.replace('docker.io/library/', '')],
      ...[pins('PROMETHEUS'), pins('GRAFANA')].map((name) => name?.replace('docker.io/', '')),
    ]);
  });
});
