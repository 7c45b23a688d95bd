// @slow: runs npm
/** What is installed is what was looked at: each package by its exact version and the hash of its content (docs/security.md). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

const read = <Json>(path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json;
const { packages } = read<{ packages: Readonly<Record<string, Locked>> }>('package-lock.json');
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('the lock file', () => {
  it('names a SHA-512 of each package, those of other platforms too', () => {
    expect(locked.length).toBeGreaterThan(100);
    const without = locked.filter(([, { integrity = '' }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it('takes each from the registry, by its name: none from a Git host, a URL or a folder', () => {
    const elsewhere = locked.filter(([, { resolved, link }]) => resolved !== undefined || link === true);
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });
});

describe('package.json', () => {
  it('names exact versions alone', () => {
    const { dependencies, devDependencies, optionalDependencies } =
      read<Record<string, Record<string, string>>>('package.json');
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

interface Component {
  readonly name: string;
  readonly hashes?: readonly unknown[];
  readonly properties?: readonly { readonly name: string }[];
}

describe('the bill of materials', () => {
  const DEVELOPMENT = 'cdx:npm:package:development';

  it('is made by npm from the lock file: each package with its hash, and whether it is only for working on wds', () => {
    const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
    const text = execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    const { components } = JSON.parse(text) as { readonly components: readonly Component[] };
    expect(components.filter(({ hashes = [] }) => hashes.length === 0).map(({ name }) => name)).toEqual([]);
    const isForWork = ({ properties = [] }: Component): boolean => properties.some(({ name }) => name === DEVELOPMENT);
    const running = new Set(components.filter((one) => !isForWork(one)).map(({ name }) => name));
    const { dependencies } = read<Record<string, Record<string, string>>>('package.json');
    expect(Object.keys(dependencies ?? {}).filter((name) => !running.has(name))).toEqual([]);
    expect(['vitest', 'typescript'].filter((name) => running.has(name))).toEqual([]);
  });
});
