/**
 * An installation of wds on a host: its store with its identity, and the processes in which people type their commands. A site has one, or two
 * that share a Temporal namespace.
 */
import type { Client } from '@temporalio/client';
import type { GovernorConfig } from '../../src/domain/governor/contract.ts';
import { OwnStore } from '../../src/store/installation-identity.ts';
import { EndpointOwners } from '../../src/temporal/endpoint-owners.ts';
import { FileDeliveries } from '../../src/temporal/file-deliveries.ts';
import { Host } from './disk.ts';
import { Bucket } from './sim-objects.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimStore } from './sim-store.ts';
import type { Computing } from './wiring.ts';
import { ENDPOINT } from './wiring.ts';

const GOVERNOR: GovernorConfig = { rate: 'unlimited', batchSize: 1 };

export class Home {
  readonly installation: string;
  readonly host: Host;
  readonly bucket = new Bucket();

  /** `number`: from 1. */
  constructor(number: number) {
    this.installation = String(number).padStart(12, '0');
    this.host = new Host(`host-${number}`);
    this.host.disk.put('installation.json', Buffer.from(`${JSON.stringify({ id: this.installation })}\n`));
  }

  ownStore(store: SimStore): OwnStore {
    return new OwnStore(store, this.installation, this.host.name);
  }
}

/** The process of one command that somebody types, or of a watcher for one file. */
export class Shell {
  readonly process: SimProcess;
  readonly store: SimStore;
  readonly deliveries: FileDeliveries;
  readonly #owners: EndpointOwners;

  constructor({ installation, host }: Home, { process, store, ownStore }: Computing, client: Client) {
    this.process = process;
    this.store = store;
    this.#owners = new EndpointOwners(client, installation, host.name);
    const owners = this.#owners;
    const parts = { client, store, ownStore, owners, searchAttributes: false, sameClock: true };
    this.deliveries = new FileDeliveries(parts);
  }

  /** As each process does that is going to submit something. */
  claimEndpoint(): Promise<void> {
    return this.#owners.claim(ENDPOINT, GOVERNOR);
  }
}
